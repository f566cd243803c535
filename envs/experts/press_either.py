"""PressEither's expert: hover over both keys, then press the one that the episode's mode names."""

from functools import lru_cache

import numpy as np

from envs.experts.base import Expert, step_towards
from envs.experts.key_postures import key_postures
from envs.hand import FINGER_JOINTS, FINGER_Y_M, HAND_JOINTS
from envs.task import FloatArray, IntArray, View
from envs.tasks.press_either import KEY_X_M, KEYS, PALM_M, PressEither
from envs.world import World

REST_RAD = np.array([0.5, 0.2, 0.3, 0.3, 0, 0.5, 0.5, 0, 0.5, 0.5, 0.2, 0.4, 0.2, 0.4])
# Tips are led this far below the resting keys: far enough that half of it presses a key, too.
PRESS_M = 0.020
FINGER_STEP_RAD = 0.30
MAX_REACTION_STEPS = 2


@lru_cache(maxsize=1)
def press_postures() -> tuple[FloatArray, FloatArray]:
    """Return the hovering posture, (14,), and the postures that press each key, (2, 14) [rad]."""
    places = {key: (KEY_X_M, FINGER_Y_M[key]) for key in KEYS}
    hover, down = key_postures(places, PALM_M[2], PRESS_M, REST_RAD)
    presses = np.stack([hover, hover])
    for k, key in enumerate(KEYS):
        own = [HAND_JOINTS.index(name) for name in FINGER_JOINTS[key]]
        presses[k, own] = down[own]
    return hover, presses


class PressEitherExpert(Expert):
    """Hover, press. Its randomness: the mode, the reaction time of 0-2 control steps, the speed."""

    phases = ("hover", "press")
    time_outs = (80, 80)
    task: PressEither

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.hover, self.presses = press_postures()
        self.reaction: IntArray = np.zeros(world.num_sims, dtype=np.int64)

    def begin(self, row: int, rng: np.random.Generator) -> None:
        """Draw the reaction time [control steps]."""
        self.reaction[row] = rng.integers(MAX_REACTION_STEPS + 1)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Press once the signal is as old as the reaction time."""
        del is_late  # both phases may last the whole episode
        presses = view.memory("countdown")[:, 0] <= -self.reaction[rows]
        return np.where(presses, 1, phase)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer all fingers to the phase's posture."""
        posture = np.where((phase == 1)[:, None], self.presses[self.mode[rows]], self.hover)
        joints = view.qpos[:, self.task.hand.qpos]
        return step_towards(joints, posture, FINGER_STEP_RAD * self.speed[rows, None])
