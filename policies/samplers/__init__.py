"""The tables of samplers: from noise to an action chunk, given a network.

To add one, write its module and enter it here; objectives, errors and the command line follow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from policies.samplers.average import SHORTCUT_STEPS, StepOutput, average, shortcut
from policies.samplers.ddim import Ddim
from policies.samplers.ddpm import Ddpm
from policies.samplers.dpmpp import Dpmpp2M
from policies.samplers.ode import Field, euler
from policies.samplers.runge_kutta import heun, midpoint, rk4
from policies.samplers.steps import StepLimits
from policies.schedules import DIFFUSION_STEPS


class ReverseProcess(Protocol):
    """A diffusion sampler with its tables computed."""

    timesteps: tuple[int, ...]

    def run(self, predict: Callable[[Tensor, int], Tensor], noise: Callable[[], Tensor]) -> Tensor:
        """Sample a chunk; see `policies.samplers.ddim.Ddim.run`."""


@dataclass(frozen=True)
class OdeSampler:
    """A solver for flows: ``solve(field, x, steps) -> x`` and the steps it accepts."""

    solve: Callable[[Field, Tensor, int], Tensor]
    limits: StepLimits


@dataclass(frozen=True)
class AverageSampler:
    """A sampler for average velocities: ``solve(output, prediction, x, steps) -> x``; its steps."""

    solve: Callable[[StepOutput, str, Tensor, int], Tensor]
    limits: StepLimits


@dataclass(frozen=True)
class DiffusionSampler:
    """A sampler for diffusion: ``build(alphas_cumprod, prediction, steps)`` and its step limits."""

    build: Callable[[Tensor, str, int], ReverseProcess]
    limits: StepLimits


ODE_SAMPLERS: dict[str, OdeSampler] = {
    "euler": OdeSampler(euler, StepLimits(default=10)),
    "midpoint": OdeSampler(midpoint, StepLimits(default=5, evaluations=2)),
    "heun": OdeSampler(heun, StepLimits(default=5, evaluations=2)),
    "rk4": OdeSampler(rk4, StepLimits(default=3, evaluations=4)),
}

AVERAGE_SAMPLERS: dict[str, AverageSampler] = {
    "average": AverageSampler(average, StepLimits(default=1)),
    "shortcut": AverageSampler(
        shortcut, StepLimits(default=1, highest=SHORTCUT_STEPS, powers_of_two=True)
    ),
}

DIFFUSION_SAMPLERS: dict[str, DiffusionSampler] = {
    "ddpm": DiffusionSampler(Ddpm, StepLimits(DIFFUSION_STEPS, DIFFUSION_STEPS, DIFFUSION_STEPS)),
    "ddim": DiffusionSampler(Ddim, StepLimits(default=10, highest=DIFFUSION_STEPS)),
    "dpmpp_2m": DiffusionSampler(Dpmpp2M, StepLimits(default=10, highest=DIFFUSION_STEPS)),
}
