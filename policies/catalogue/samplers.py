"""Samplers: the steps that each accepts, and its solver."""

from typing import NamedTuple

ADAPTIVE_STEPS = 0
"""The value of `steps` for an adaptive sampler, which chooses its steps itself."""
DIFFUSION_STEPS = 100
"""Number of diffusion steps K in training; DDPM takes all of them."""
SHORTCUT_STEPS = 64
"""Largest step count of the sampler `shortcut`, a power of two; 1 over it is the shortest step."""
TOLERANCE = 1e-3
"""Default `rtol` and `atol` of an adaptive sampler: 0.05 % of the range of a normalised action."""
GRIDS = ("uniform", "early", "late", "cosine")
"""Time grids of samplers with fixed steps, the default first."""


class StepLimits(NamedTuple):
    """The step counts a sampler accepts, with its default.

    Attributes:
        default: Steps taken unless a number is given.
        lowest: Fewest steps.
        highest: Most steps; None is unbounded.
        evaluations: Network evaluations of one step; 0 where there is no network.
        powers_of_two: Whether the number of steps must be a power of two; needs `highest`.
        grids: Whether it accepts every time grid of `GRIDS`.
        adaptive: Whether it chooses its steps by a tolerance; `steps` is then `ADAPTIVE_STEPS`.
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
            return "as many steps as its tolerance requires"
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
        """Return the steps that cost `nfe` network evaluations, or None if there are none."""
        if not self.evaluations:
            return self.default if nfe == 0 else None
        if self.adaptive:
            return None
        steps, rest = divmod(nfe, self.evaluations)
        return steps if rest == 0 and self.allow(steps) else None

    @property
    def possible_nfe(self) -> str:
        """The possible numbers of network evaluations, in words."""
        if self.powers_of_two:
            return f"{self._listed(self.evaluations)} network evaluations"
        if self.adaptive:
            return "as many network evaluations as its tolerance requires"
        fewest = self.lowest * self.evaluations
        if self.lowest == self.highest:
            return f"exactly {fewest} network evaluation{'s' if fewest != 1 else ''}"
        most = "or more" if self.highest is None else f"to {self.highest * self.evaluations}"
        multiples = f", in multiples of {self.evaluations}" if self.evaluations > 1 else ""
        return f"{fewest} {most} network evaluations{multiples}"

    def _listed(self, factor: int) -> str:
        """List every accepted number of steps, times `factor`."""
        accepted = [steps for steps in range(1, (self.highest or 0) + 1) if self.allow(steps)]
        *others, last = [str(steps * factor) for steps in accepted]
        return f"{', '.join(others)} or {last}" if others else last


class SamplerEntry(NamedTuple):
    """A sampler.

    Attributes:
        limits: The steps it accepts.
        target: Its solver; empty if the objective implements the sampling itself.
        extra: The optional dependency group it needs, or "".
    """

    limits: StepLimits
    target: str = ""
    extra: str = ""


ADAPTIVE = StepLimits(ADAPTIVE_STEPS, ADAPTIVE_STEPS, ADAPTIVE_STEPS, adaptive=True)
"""Limits of an adaptive sampler."""

SAMPLERS: dict[str, SamplerEntry] = {
    # Flows: the velocity at a time.
    "euler": SamplerEntry(StepLimits(default=10, grids=True), "policies.samplers.ode:euler"),
    "midpoint": SamplerEntry(
        StepLimits(default=5, evaluations=2, grids=True), "policies.samplers.runge_kutta:midpoint"
    ),
    "heun": SamplerEntry(
        StepLimits(default=5, evaluations=2, grids=True), "policies.samplers.runge_kutta:heun"
    ),
    "rk4": SamplerEntry(
        StepLimits(default=3, evaluations=4, grids=True), "policies.samplers.runge_kutta:rk4"
    ),
    "rk45": SamplerEntry(ADAPTIVE, "policies.samplers.dormand_prince:rk45"),
    # Flows: the average velocity over a step.
    "average": SamplerEntry(StepLimits(default=1), "policies.samplers.average:average"),
    "shortcut": SamplerEntry(
        StepLimits(default=1, highest=SHORTCUT_STEPS, powers_of_two=True),
        "policies.samplers.average:shortcut",
    ),
    # Diffusion.
    "ddpm": SamplerEntry(
        StepLimits(DIFFUSION_STEPS, DIFFUSION_STEPS, DIFFUSION_STEPS), "policies.samplers.ddpm:Ddpm"
    ),
    "ddim": SamplerEntry(
        StepLimits(default=10, highest=DIFFUSION_STEPS), "policies.samplers.ddim:Ddim"
    ),
    "dpmpp_2m": SamplerEntry(
        StepLimits(default=10, highest=DIFFUSION_STEPS), "policies.samplers.dpmpp:Dpmpp2M"
    ),
    # The objective implements the sampling itself.
    "consistency": SamplerEntry(StepLimits(default=1, highest=DIFFUSION_STEPS)),
    # A fixed number of steps; the objective implements the sampling itself.
    "one_step": SamplerEntry(StepLimits(default=1, highest=1)),
    "two_step": SamplerEntry(StepLimits(default=2, lowest=2, highest=2)),
    "direct": SamplerEntry(StepLimits(default=1, highest=1)),
    "mixture": SamplerEntry(StepLimits(default=1, highest=1)),
    "nearest": SamplerEntry(StepLimits(default=1, highest=1, evaluations=0)),
}


def limits_of(*samplers: str) -> dict[str, StepLimits]:
    """Return the step limits of some of `SAMPLERS`, by name."""
    return {name: SAMPLERS[name].limits for name in samplers}
