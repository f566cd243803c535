"""The choices inside an objective that a user may make; each objective reads some of them."""

from dataclasses import dataclass, fields

from policies.registry import unknown_name

CHOICES: dict[str, tuple[str, ...]] = {
    "time_sampling": ("uniform", "logit_normal", "beta"),
    "pairing": ("independent", "optimal_transport"),
    "schedule": ("cosine", "linear"),
}
"""Option to its values, the default first."""


@dataclass(frozen=True)
class ObjectiveOptions:
    """Choices inside an objective.

    Attributes:
        time_sampling: How the flow time of a training chunk is drawn.
        pairing: How noise is paired with the chunks of a batch.
        schedule: Noise schedule of diffusion.

    Raises:
        ValueError: A value is unknown.
    """

    time_sampling: str = "uniform"
    pairing: str = "independent"
    schedule: str = "cosine"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value not in CHOICES[field.name]:
                raise unknown_name(field.name, value, CHOICES[field.name])
