"""Tables of finger postures over the angle of a stroke, for motion along an arc."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from envs.task import FloatArray


@dataclass(frozen=True)
class PostureTable:
    """Postures over evenly spaced strokes.

    Attributes:
        strokes: The strokes, (k,) [rad].
        postures: The posture at each stroke, (k, 14) [rad].
    """

    strokes: FloatArray
    postures: FloatArray

    def __call__(self, stroke: FloatArray) -> FloatArray:
        """Return the postures interpolated at strokes (n,) [rad], clipped to the table, (n, 14)."""
        grid, table = self.strokes, self.postures
        place = (np.clip(stroke, grid[0], grid[-1]) - grid[0]) / (grid[1] - grid[0])
        index = np.minimum(place.astype(np.int64), len(grid) - 2)
        part = (place - index)[:, None]
        return np.asarray((1.0 - part) * table[index] + part * table[index + 1])


def solve_table(
    strokes: FloatArray, solve: Callable[[float, FloatArray], FloatArray], initial: FloatArray
) -> PostureTable:
    """Solve the table from the middle outwards, each posture starting from its neighbour.

    Args:
        strokes: An odd number of evenly spaced strokes, (k,) [rad]; the middle one is 0.
        solve: Returns the posture at a stroke, (14,) [rad], solved from an initial posture.
        initial: Initial posture for the middle stroke, (14,) [rad].
    """
    middle = len(strokes) // 2
    table = np.zeros((len(strokes), len(initial)))
    table[middle] = solve(0.0, initial)
    for k in range(middle):
        for row, before in ((middle + k + 1, middle + k), (middle - k - 1, middle - k)):
            table[row] = solve(float(strokes[row]), table[before])
    return PostureTable(strokes, table)
