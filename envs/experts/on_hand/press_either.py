"""PressEither expert of a described hand: hover over both keys, press that of the mode."""

from functools import lru_cache
from itertools import product

import numpy as np

from envs.experts.base import step_towards
from envs.experts.press_either import EitherPhase, PressEitherExpert
from envs.task import FloatArray, IntArray, View
from envs.tasks.on_hand.keys import key_posture
from envs.tasks.on_hand.press_either import BOARD_SHIFT_M, PressEitherOnHand
from envs.world import World

HOVER_M = 0.004  # height of the tip surfaces over the resting keys
PRESS_M, PRESS_N = 0.008, 1.0  # depth of the tip, and the force of a spring of 120 N/m there
TARGET_STEP_RAD = 0.15
SIDES = tuple(product((-1.0, 1.0), repeat=3))  # the keys' eight positions


class PressEitherOnHandExpert(PressEitherExpert):
    """Hover, press.

    Random per episode: the mode, the reaction time of 0-2 control steps, and the speed.
    """

    task: PressEitherOnHand

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._postures = board_postures(self.task)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Move both fingers over their keys, or one of them into its key."""
        is_plus = view.memory("board") > 0.0
        place = is_plus @ np.array([4, 2, 1])
        pose = np.where(phase == EitherPhase.PRESS, 1 + self.mode[rows], 0)
        posture = self._postures[place, pose]
        step = TARGET_STEP_RAD * self.speed[rows, None]
        return step_towards(self.task.measured(view), posture, step)


@lru_cache(maxsize=16)
def board_postures(task: PressEitherOnHand) -> FloatArray:
    """Return the postures (8 positions, hover or press either key, act_dim) [rad]."""
    hand, (first, second) = task.described, task.modes
    table = np.zeros((len(SIDES), 3, task.act_dim))
    for place, side in enumerate(SIDES):
        tops = {f: top + BOARD_SHIFT_M * side for f, top in task.tops_in_palm.items()}
        hover = table[place, 0] = key_posture(hand, task.start_posture, tops, HOVER_M)
        for k, finger in enumerate((first, second)):
            table[place, 1 + k] = key_posture(
                hand, hover, {finger: tops[finger]}, -PRESS_M, PRESS_N
            )
    return table
