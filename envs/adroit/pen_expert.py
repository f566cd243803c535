"""AdroitPen expert: play a stored movement for the goal, found by search.

The initial state of hand and pen never varies, so a finger movement is a function of the goal
alone. `pen_movements.npz` contains movements found by `envs.adroit.pen_search`: about 250
generations in four runs without a limit on contact depth, 90 generations in each of two runs with a
limit of 2.6 mm, and 300 generations that started from their results.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from envs.adroit.pen_task import TURN_RAD, AdroitPen
from envs.experts.base import Expert
from envs.task import FloatArray, IntArray, View
from envs.world import World

FILE = Path(__file__).with_name("pen_movements.npz")
LEVELS = 255  # shares of a joint's range are stored as integers up to this
MOVE_STEPS = 90  # control steps of a movement; its last posture is held


@lru_cache(maxsize=1)
def movements() -> tuple[IntArray, FloatArray]:
    """Return the movement index of each goal, and the movements.

    Returns:
        The index for each cell of a grid over the goal's two angles, (cells, cells), and each
        movement's postures, evenly spaced in time, as shares of the joints' ranges, (movements,
        postures, 24).
    """
    return load_table(FILE)


def load_table(path: Path) -> tuple[IntArray, FloatArray]:
    """Read a table of movements in the format of `movements`."""
    with np.load(path) as file:
        return file["choice"].astype(np.int64), file["postures"].astype(np.float64) / LEVELS


class AdroitPenExpert(Expert):
    """Interpolate between the postures of one movement, open loop. Nothing is random."""

    task: AdroitPen

    def __init__(self, world: World) -> None:
        super().__init__(world)
        low, high = self.task.hand.low, self.task.hand.high
        first = -low / (high - low)  # all joints at zero
        self.choice, shares = movements()
        first = np.broadcast_to(first, (len(shares), 1, len(first)))
        self.postures = low + np.concatenate([first, shares], axis=1) * (high - low)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return the movement's posture at this control step."""
        del rows, phase
        which = self.choice[cell_of(view.memory("goal_wxyz"), len(self.choice))]
        return movement_at(self.postures[which], view.step_count)


def movement_at(postures: FloatArray, steps: IntArray) -> FloatArray:
    """Return the postures of movements (n, postures, k) after control steps (n,), (n, k)."""
    parts, rows = postures.shape[1] - 1, np.arange(len(postures))
    time = np.minimum(steps / MOVE_STEPS, 1.0) * parts
    before = np.minimum(time.astype(np.int64), parts - 1)
    share: FloatArray = (time - before)[:, None]
    start, end = postures[rows, before], postures[rows, before + 1]
    posture: FloatArray = start + share * (end - start)
    return posture


def cell_of(goal_wxyz: FloatArray, cells: int) -> tuple[IntArray, IntArray]:
    """Return the row and column, each (n,), of goals wxyz (n, 4) in the grid over two angles."""
    w, x, y, _ = goal_wxyz.T
    angles = 2.0 * np.arctan2(np.stack([x, y]), w)
    cell = np.floor((angles / TURN_RAD + 1.0) / 2.0 * cells).astype(np.int64).clip(0, cells - 1)
    return cell[0], cell[1]
