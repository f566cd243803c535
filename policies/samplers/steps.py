"""How many steps a sampler may take."""

from dataclasses import dataclass

ADAPTIVE_STEPS = 0
"""What stands for the steps of a sampler that chooses them itself."""


@dataclass(frozen=True)
class StepLimits:
    """The step counts a sampler accepts, with its default.

    Attributes:
        default: Steps taken when none are asked for.
        lowest: Fewest steps.
        highest: Most steps; None is unbounded.
        evaluations: Network evaluations of one step; 0 where there is no network.
        powers_of_two: Whether the number of steps has to be a power of two; needs `highest`.
        grids: Whether its steps may lie on any time grid of `policies.samplers.grids`.
        adaptive: Whether it chooses its steps by a tolerance; then only 0 stands for them.
    """

    default: int
    lowest: int = 1
    highest: int | None = None
    evaluations: int = 1
    powers_of_two: bool = False
    grids: bool = False
    adaptive: bool = False

    def __str__(self) -> str:
        if self.powers_of_two:
            return f"{self._listed(1)} steps"
        if self.adaptive:
            return "as many steps as its tolerance asks for"
        if self.highest is None:
            return f"{self.lowest} or more steps"
        if self.lowest == self.highest:
            return f"exactly {self.lowest} step{'s' if self.lowest > 1 else ''}"
        return f"{self.lowest} to {self.highest} steps"

    def allow(self, steps: int) -> bool:
        """Return whether `steps` is accepted."""
        if self.powers_of_two and steps & (steps - 1):
            return False
        return self.lowest <= steps and (self.highest is None or steps <= self.highest)

    def steps_at(self, nfe: int) -> int | None:
        """Return the steps that cost `nfe` network evaluations; None if no accepted number does."""
        if not self.evaluations:
            return self.default if nfe == 0 else None
        if self.adaptive:
            return None
        steps, rest = divmod(nfe, self.evaluations)
        return steps if rest == 0 and self.allow(steps) else None

    @property
    def possible_nfe(self) -> str:
        """The numbers of network evaluations that are possible, in words."""
        if self.powers_of_two:
            return f"{self._listed(self.evaluations)} network evaluations"
        if self.adaptive:
            return "as many network evaluations as its tolerance asks for"
        fewest = self.lowest * self.evaluations
        if self.lowest == self.highest:
            return f"exactly {fewest} network evaluation{'s' if fewest != 1 else ''}"
        most = "or more" if self.highest is None else f"to {self.highest * self.evaluations}"
        multiples = f", in multiples of {self.evaluations}" if self.evaluations > 1 else ""
        return f"{fewest} {most} network evaluations{multiples}"

    def _listed(self, factor: int) -> str:
        """Name every accepted number of steps, times `factor`."""
        accepted = [steps for steps in range(1, (self.highest or 0) + 1) if self.allow(steps)]
        *others, last = [str(steps * factor) for steps in accepted]
        return f"{', '.join(others)} or {last}" if others else last


ADAPTIVE = StepLimits(ADAPTIVE_STEPS, ADAPTIVE_STEPS, ADAPTIVE_STEPS, adaptive=True)
"""The limits of an adaptive sampler."""
