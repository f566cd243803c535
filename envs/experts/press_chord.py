"""PressChord expert: hover over all keys, and press those of the current chord."""

import numpy as np

from envs.experts.base import Expert, Methods, Phase, follow, step_towards
from envs.hand.hand import CAPSULE_RADII_M, FINGER_JOINTS, FINGERS, HAND_JOINTS
from envs.hand.kinematics import solve_fingertips
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.key_parts import KEY_TOP_M
from envs.tasks.press_chord import KEY_M, PALM_HEIGHT_M, START_POSTURE_RAD, PressChord
from envs.world import World

HOVER_M = 0.006  # height of the tip surfaces over the resting keys
PRESS_M = 0.012  # commanded depth of the tips below the resting keys
FINGER_STEP_RAD = 0.20
# Index of the finger to which each joint belongs.
FINGER_OF_JOINT = np.array(
    [k for joint in HAND_JOINTS for k, name in enumerate(FINGERS) if joint in FINGER_JOINTS[name]]
)


def key_postures() -> tuple[FloatArray, FloatArray]:
    """Return the postures in which all fingers hover and all press, each (14,) [rad]."""

    def over(height: float, initial: FloatArray) -> FloatArray:
        z = KEY_TOP_M + CAPSULE_RADII_M[2] + height - PALM_HEIGHT_M
        targets = {finger: np.array([x, y, z]) for finger, (x, y) in KEY_M.items()}
        return solve_fingertips(targets, initial)[0]

    hover = over(HOVER_M, START_POSTURE_RAD)
    return hover, over(-PRESS_M, hover)


class ChordPhase(Phase):
    """The fingers' phases."""

    HOVER = 0, 12
    FIRST = 1
    SECOND = 2


class PressChordExpert(Expert):
    """Hover, then press the first chord and the second. Random per episode: the speed."""

    phases = ChordPhase
    task: PressChord

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.hover, self.down = key_postures()

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Press once all fingers hover; the task reports when the first chord has been held."""
        del rows
        joints = view.qpos[:, self.task.hand.qpos]
        hovers = (np.abs(joints - self.hover) < 0.1).all(axis=1)
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
        presses = self.task.chord(view)[:, FINGER_OF_JOINT]
        return self.steer(rows, view, np.where(presses, self.down, self.hover))

    def steer(self, rows: IntArray, view: View, posture: FloatArray) -> FloatArray:
        """Return targets one step towards a posture, (n, 14) [rad]."""
        joints = view.qpos[:, self.task.hand.qpos]
        return step_towards(joints, posture, FINGER_STEP_RAD * self.speed[rows, None])
