"""Samplers, which carry noise to an action chunk; their names are in `policies.catalogue`."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from torch import Tensor

from policies.catalogue import SAMPLERS
from policies.registry import load, lookup
from policies.samplers.average import StepOutput
from policies.samplers.dormand_prince import RowField
from policies.samplers.grids import UNIFORM
from policies.samplers.ode import Field


class ReverseProcess(Protocol):
    """A diffusion sampler with precomputed coefficients."""

    timesteps: tuple[int, ...]

    def run(self, predict: Callable[[Tensor, int], Tensor], noise: Callable[[], Tensor]) -> Tensor:
        """Sample a chunk; see `policies.samplers.ddim.Ddim.run`."""


class OdeSolver(Protocol):
    """A solver for flows with fixed steps; see `policies.samplers.ode.euler`."""

    def __call__(self, field: Field, x: Tensor, steps: int, grid: str = UNIFORM) -> Tensor:
        """Carry `x` from t = 0 to t = 1."""


AverageSolver: TypeAlias = Callable[[StepOutput, str, Tensor, int], Tensor]
"""A solver for average velocities: `solve(output, prediction, x, steps) -> x`."""
AdaptiveSolver: TypeAlias = Callable[[RowField, Tensor, float, float, bool], Tensor]
"""An adaptive solver for flows: `solve(field, x, rtol, atol, singular_end) -> x`."""
MakeProcess: TypeAlias = Callable[[Tensor, str, int], ReverseProcess]
"""A sampler for diffusion: `make(alphas_cumprod, prediction, steps) -> process`."""


def load_sampler(name: str) -> Any:
    """Return a sampler of the catalogue, of one of the types above.

    Raises:
        ValueError: The name is unknown.
    """
    entry = lookup("sampler", name, SAMPLERS)
    return load(entry.target, entry.extra)
