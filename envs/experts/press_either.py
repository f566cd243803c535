"""PressEither expert: hover over both keys, then press the key of the episode's mode."""

import numpy as np

from envs.experts.base import Expert, Phase, follow, step_towards
from envs.hand.hand import CAPSULE_RADII_M, FINGER_JOINTS, HAND_JOINTS
from envs.hand.kinematics import aim_finger
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.press_either import KEYS, PALM_M, PressEither
from envs.world import World

REST_RAD = np.array([0.5, 0.2, 0.3, 0.3, 0, 0.5, 0.5, 0, 0.5, 0.5, 0, 0.4, 0, 0.4])
HOVER_M = 0.004  # height of the tip surfaces over the resting keys
# Commanded depth of the tips below the resting keys; half of it also presses a key.
PRESS_M = 0.020
FINGER_STEP_RAD = 0.30
MAX_REACTION_STEPS = 2


class EitherPhase(Phase):
    """The fingers' phases."""

    HOVER = 0
    PRESS = 1


class PressEitherExpert(Expert):
    """Hover, press.

    Random per episode: the mode, the reaction time of 0-2 control steps, and the speed.
    """

    phases = EitherPhase
    task: PressEither

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.reaction: IntArray = np.zeros(world.num_sims, dtype=np.int64)

    def begin(self, row: int, rng: np.random.Generator) -> None:
        """Draw the reaction time [control steps]."""
        self.reaction[row] = rng.integers(MAX_REACTION_STEPS + 1)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Press once the signal is as old as the reaction time."""
        del is_late  # both phases may last for the complete episode
        is_time = view.memory("countdown")[:, 0] <= -self.reaction[rows]
        return follow(phase, ((EitherPhase.HOVER, is_time, EitherPhase.PRESS),))

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Move both fingers over their keys, or one of them into its key."""
        tops = self.task.key_tops(view) - np.array(PALM_M)
        posture = np.tile(REST_RAD, (len(view), 1))
        for k, key in enumerate(KEYS):
            presses = (phase == EitherPhase.PRESS) & (self.mode[rows] == k)
            target = tops[:, k].copy()
            target[:, 2] += CAPSULE_RADII_M[2] + np.where(presses, -PRESS_M, HOVER_M)
            columns = [HAND_JOINTS.index(name) for name in FINGER_JOINTS[key]]
            posture[:, columns] = aim_finger(key, target)
        joints = view.qpos[:, self.task.hand.qpos]
        return step_towards(joints, posture, FINGER_STEP_RAD * self.speed[rows, None])
