"""How many steps a sampler may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StepLimits:
    """The step counts a sampler accepts, with its default.

    Attributes:
        default: Steps taken when none are asked for.
        lowest: Fewest steps.
        highest: Most steps; None is unbounded.
    """

    default: int
    lowest: int = 1
    highest: int | None = None

    def __str__(self) -> str:
        if self.highest is None:
            return f"{self.lowest} or more steps"
        if self.lowest == self.highest:
            return f"exactly {self.lowest} step{'s' if self.lowest > 1 else ''}"
        return f"{self.lowest} to {self.highest} steps"

    def allow(self, steps: int) -> bool:
        """Return whether `steps` is accepted."""
        return self.lowest <= steps and (self.highest is None or steps <= self.highest)
