"""Time grids: where between noise (t = 0) and data (t = 1) a solver of fixed steps stops."""

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
"""Grid to the map that it sends equal steps in ``u`` through; each map is smooth with t(0) = 0 and
t(1) = 1, so that a solver keeps its order in the number of steps."""


@lru_cache
def grid_times(grid: str, steps: int) -> tuple[float, ...]:
    """Return the ``steps + 1`` increasing times of a grid, from exactly 0 to exactly 1.

    Args:
        grid: A key of `GRIDS`.
        steps: Number of steps, at least 1.

    Raises:
        ValueError: The grid is unknown.
    """
    place = lookup("time grid", grid, GRIDS)
    return tuple(place(index / steps) for index in range(steps + 1))
