"""Measure how deep a hand's contacts are, for the tests and the endurance run alike."""

import mujoco
import numpy as np

from envs.task import Task
from envs.world import World


class DeepestContact:
    """Finds the deepest contact of a row, the hand with itself left out: its links touch by design.

    Args:
        task: Whose hand and scene.
        of_hand: Only contacts of the hand count, not those of objects with each other.
    """

    def __init__(self, task: Task, of_hand: bool = False) -> None:
        self._least = 1 if of_hand else 0
        model = task.model
        moved = {int(model.joint(name).bodyid[0]) for name in task.action_names}
        self._is_hand = np.array([_hangs_on(model, int(b), moved) for b in model.geom_bodyid])

    def __call__(self, world: World, row: int) -> float:
        """Return the smallest contact distance of a row [m], 0 where nothing is pressed."""
        contact = world.batch.get_data(row).contact
        of_hand = self._is_hand[contact.geom].sum(axis=1)  # how many of the two geoms
        counts = (of_hand >= self._least) & (of_hand < 2)
        return float(min([0.0, *contact.dist[counts].tolist()]))


def _hangs_on(model: mujoco.MjModel, body: int, roots: set[int]) -> bool:
    """Return whether a body is one of `roots` or hangs on one."""
    while body and body not in roots:
        body = int(model.body_parentid[body])
    return body in roots
