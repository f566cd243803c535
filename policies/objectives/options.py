"""Options of objectives; each objective uses some of them."""

from dataclasses import dataclass, fields

from policies.catalogue import COUNTS, OPTIONS
from policies.registry import unknown_name


@dataclass(frozen=True)
class ObjectiveOptions:
    """Options of objectives.

    Attributes:
        time_sampling: Distribution of the flow time in training.
        pairing: How noise is paired with the chunks of a training batch.
        schedule: Noise schedule of diffusion.
        meanflow: Target of mean flows: as first published, or improved.
        training_samples: Chunks sampled of every window in training, by `drift` and `imle`.

    Raises:
        ValueError: A value is unknown or out of range.
    """

    time_sampling: str = OPTIONS["time_sampling"][0]
    pairing: str = OPTIONS["pairing"][0]
    schedule: str = OPTIONS["schedule"][0]
    meanflow: str = OPTIONS["meanflow"][0]
    training_samples: int = COUNTS["training_samples"].default

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if name in OPTIONS and value not in OPTIONS[name]:
                raise unknown_name(name, value, OPTIONS[name])
            if name in COUNTS:
                check_count(name, value)


def check_count(name: str, value: object) -> None:
    """Check an option that is a whole number.

    Raises:
        ValueError: It is none, or out of range.
    """
    _, least, most = COUNTS[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}; give a whole number from {least} to {most}")
