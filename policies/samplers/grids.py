"""Time grids of solvers with fixed steps, from noise (t = 0) to data (t = 1)."""

import math
from collections.abc import Callable
from functools import lru_cache

from policies.registry import lookup

UNIFORM = "uniform"

GRIDS: dict[str, Callable[[float], float]] = {
    UNIFORM: lambda u: u,
    "early": lambda u: u**2,  # dense near the noise
    "late": lambda u: 1 - (1 - u) ** 2,  # dense near the data
    "cosine": lambda u: (1 - math.cos(math.pi * u)) / 2,  # dense at both ends
}
"""Grid to its map t(u) of equal steps in `u`; each map is smooth with t(0) = 0 and t(1) = 1, so
that a solver keeps its order in the number of steps."""


@lru_cache
def grid_times(grid: str, steps: int) -> tuple[float, ...]:
    """Return the `steps + 1` increasing times of a grid, from exactly 0 to exactly 1.

    Args:
        grid: A key of `GRIDS`.
        steps: Number of steps, at least 1.

    Raises:
        ValueError: The grid is unknown.
    """
    time_at = lookup("time grid", grid, GRIDS)
    return tuple(time_at(index / steps) for index in range(steps + 1))
