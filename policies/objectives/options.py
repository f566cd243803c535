"""Options of objectives; each objective uses some of them."""

from dataclasses import dataclass, fields

from policies.catalogue import OPTIONS
from policies.registry import unknown_name


@dataclass(frozen=True)
class ObjectiveOptions:
    """Options of objectives.

    Attributes:
        time_sampling: Distribution of the flow time in training.
        pairing: How noise is paired with the chunks of a training batch.
        schedule: Noise schedule of diffusion.

    Raises:
        ValueError: A value is unknown.
    """

    time_sampling: str = OPTIONS["time_sampling"][0]
    pairing: str = OPTIONS["pairing"][0]
    schedule: str = OPTIONS["schedule"][0]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value not in OPTIONS[field.name]:
                raise unknown_name(field.name, value, OPTIONS[field.name])
