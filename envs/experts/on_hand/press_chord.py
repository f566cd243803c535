"""PressChord expert of a described hand: hover over all keys, press those of the current chord."""

import numpy as np

from envs.experts.base import Expert, Methods, Phase, follow, step_towards
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.on_hand.keys import key_posture
from envs.tasks.on_hand.press_chord import PressChordOnHand
from envs.world import World

HOVER_M = 0.009  # height of the tip surfaces over the resting keys
PRESS_M, PRESS_N = 0.008, 0.9  # depth of the tips, and the force of a spring of 120 N/m there
TARGET_STEP_RAD = 0.15
HOVERING_RAD = 0.1


class ChordPhase(Phase):
    """The fingers' phases."""

    HOVER = 0, 20
    FIRST = 1
    SECOND = 2


class PressChordOnHandExpert(Expert):
    """Hover, then press the first chord and the second. Random per episode: the speed."""

    phases = ChordPhase
    task: PressChordOnHand

    def __init__(self, world: World) -> None:
        super().__init__(world)
        task = self.task
        hand, tops = task.described, task.tops_in_palm
        self.hover = key_posture(hand, task.start_posture, tops, HOVER_M)
        self.down = key_posture(hand, self.hover, tops, -PRESS_M, PRESS_N)
        self._finger = np.zeros(task.act_dim, dtype=np.int64)
        for k, column in enumerate(task.loaded.columns.values()):
            self._finger[column] = k

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Press once all fingers hover; the task reports when the first chord has been held."""
        del rows
        hovers = (np.abs(self.task.measured(view) - self.hover) < HOVERING_RAD).all(axis=1)
        is_second = view.memory("current")[:, 0] == 1.0
        rules = (
            (ChordPhase.HOVER, is_second, ChordPhase.SECOND),
            (ChordPhase.HOVER, hovers | is_late, ChordPhase.FIRST),
            (ChordPhase.FIRST, is_second, ChordPhase.SECOND),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return each row's command for its phase."""
        methods: Methods = {
            ChordPhase.HOVER: self.over_keys,
            ChordPhase.FIRST: self.press,
            ChordPhase.SECOND: self.press,
        }
        return self.by_phase(rows, view, phase, methods)

    def over_keys(self, rows: IntArray, view: View) -> FloatArray:
        """Hover with all fingers."""
        return self.steer(rows, view, self.hover)

    def press(self, rows: IntArray, view: View) -> FloatArray:
        """Move the fingers of the current chord down and the others up."""
        presses = self.task.chord(view)[:, self._finger] & self.task.is_in_finger
        return self.steer(rows, view, np.where(presses, self.down, self.hover))

    def steer(self, rows: IntArray, view: View, posture: FloatArray) -> FloatArray:
        """Return targets one step towards a posture, (n, act_dim) [rad]."""
        step = TARGET_STEP_RAD * self.speed[rows, None]
        return step_towards(self.task.measured(view), posture, step)
