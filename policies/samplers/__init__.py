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
from policies.samplers.dormand_prince import RowField, rk45
from policies.samplers.dpmpp import Dpmpp2M
from policies.samplers.grids import UNIFORM
from policies.samplers.ode import Field, euler
from policies.samplers.runge_kutta import heun, midpoint, rk4
from policies.samplers.steps import ADAPTIVE, StepLimits
from policies.schedules import DIFFUSION_STEPS


class ReverseProcess(Protocol):
    """A diffusion sampler with its tables computed."""

    timesteps: tuple[int, ...]

    def run(self, predict: Callable[[Tensor, int], Tensor], noise: Callable[[], Tensor]) -> Tensor:
        """Sample a chunk; see `policies.samplers.ddim.Ddim.run`."""


class OdeSolver(Protocol):
    """A solver of fixed steps; see `policies.samplers.ode.euler`."""

    def __call__(self, field: Field, x: Tensor, steps: int, grid: str = UNIFORM) -> Tensor:
        """Carry `x` from t = 0 to t = 1."""


@dataclass(frozen=True)
class OdeSampler:
    """A solver for flows of fixed steps, and the steps it accepts."""

    solve: OdeSolver
    limits: StepLimits


@dataclass(frozen=True)
class AverageSampler:
    """A sampler for average velocities: ``solve(output, prediction, x, steps) -> x``; its steps."""

    solve: Callable[[StepOutput, str, Tensor, int], Tensor]
    limits: StepLimits


@dataclass(frozen=True)
class AdaptiveSampler:
    """A solver for flows by tolerance: ``solve(field, x, rtol, atol, singular_end) -> x``."""

    solve: Callable[[RowField, Tensor, float, float, bool], Tensor]
    limits: StepLimits = ADAPTIVE


@dataclass(frozen=True)
class DiffusionSampler:
    """A sampler for diffusion: ``build(alphas_cumprod, prediction, steps)`` and its step limits."""

    build: Callable[[Tensor, str, int], ReverseProcess]
    limits: StepLimits


ODE_SAMPLERS: dict[str, OdeSampler] = {
    "euler": OdeSampler(euler, StepLimits(default=10, grids=True)),
    "midpoint": OdeSampler(midpoint, StepLimits(default=5, evaluations=2, grids=True)),
    "heun": OdeSampler(heun, StepLimits(default=5, evaluations=2, grids=True)),
    "rk4": OdeSampler(rk4, StepLimits(default=3, evaluations=4, grids=True)),
}

AVERAGE_SAMPLERS: dict[str, AverageSampler] = {
    "average": AverageSampler(average, StepLimits(default=1)),
    "shortcut": AverageSampler(
        shortcut, StepLimits(default=1, highest=SHORTCUT_STEPS, powers_of_two=True)
    ),
}

ADAPTIVE_SAMPLERS: dict[str, AdaptiveSampler] = {"rk45": AdaptiveSampler(rk45)}

DIFFUSION_SAMPLERS: dict[str, DiffusionSampler] = {
    "ddpm": DiffusionSampler(Ddpm, StepLimits(DIFFUSION_STEPS, DIFFUSION_STEPS, DIFFUSION_STEPS)),
    "ddim": DiffusionSampler(Ddim, StepLimits(default=10, highest=DIFFUSION_STEPS)),
    "dpmpp_2m": DiffusionSampler(Dpmpp2M, StepLimits(default=10, highest=DIFFUSION_STEPS)),
}
