"""Expert for AdroitDoor: over the bar, onto it, turn it, pull, let go, push the door's inside.

The arm cannot reach far enough to the side to pull the door all the way: it lets the swinging
door pass and pushes what is left from the inside.
"""

from typing import ClassVar

import numpy as np

from envs.adroit.arm import Arm
from envs.adroit.door_task import AdroitDoor
from envs.adroit.fingers import Posture
from envs.experts.base import Expert, step_towards
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.world import World

STIFFNESS = 23.9  # [rad/s]
# The door, in the frame of its own frame: hinge axis, latch axis (about y), and the bar, which
# leaves the latch axis along x at this depth.
HINGE_M = np.array([0.60, 0.0, 0.0])
LATCH_M = np.array([0.14, 0.0, -0.025])
BAR_Y_M = -0.15
GRIP_M = 0.149  # from the latch axis along the bar
PALM_NORMAL, PALM_FORWARD = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
NORMAL_WEIGHT_M, FORWARD_WEIGHT_M = 0.107, 0.0251
POINT_M = np.array([0.0201, -0.0292, 0.075])  # of the palm frame, where the bar lies in the hand
ABOVE_M, NEAR_M, SHORT_M = 0.067, 0.0324, 0.0642
BACK_OFF, BACK_OFF_M = 4.36, 0.221  # the hand rises before it goes over the bar
PRESS_M = 0.0177  # how far into the bar the hand aims
TURN_STEP_RAD, PULL_STEP_RAD = 0.763, 0.378
PULL_STEPS = 7  # control steps in which the pull grows to its full force
TURNED_RAD = 1.26
FOLLOW = 0.457  # how much of the door's angle the hand turns with
# [m or rad], of the joints, in each phase: caps speed and force, so contacts stay shallow.
REACH = np.array([0.39, 0.366, 0.387, 0.419, 0.159, 0.478, 0.102])
LET_GO_RAD, AJAR_RAD, LOST_M = 0.467, 0.3, 0.15
RETREAT_M = 0.18  # off the bar, against where the fingers point: their tips slide off its end
OPENED = 0.48  # of the way from HOOK to OPEN: from here on the hand leaves at full speed
FINGERS = ("FF", "MF", "RF", "LF")
PUSH_M = np.array([-0.446, 0.0168, -0.0776])  # from the hinge, the door closed: on its inner face
PUSH_STEP_RAD = 0.145
FREE_M = 0.149  # from the bar: the fingers are off it
# In the door's frame: its faces are at y = 0.05 and -0.05, its edge at x = -0.56.
INSIDE_Y_M, OUTSIDE_Y_M, EDGE_X_M = 0.091, -0.02, -0.7
AROUND_M = np.array([-0.802, 0.171, -0.0505])  # past the door's edge, on its inner side
FINGER_STEP_RAD, CLOSING_STEP_RAD = 0.613, 0.759
SLOW_S = 0.015  # the target of a finger that closes stays behind by its velocity times this
OPEN = Posture((0.164, 0.381, 0.5), (0.694, 0.478, 0.174, -0.756, -0.186))
HOOK = Posture((1.36, 0.726, 0.763), (0.871, 0.962, 0.148, 0.397, -0.106))


class AdroitDoorExpert(Expert):
    """Steers the palm to where the bar will be when latch and hinge have turned a little more."""

    task: AdroitDoor
    phases: ClassVar[tuple[str, ...]] = (
        "over",
        "onto",
        "turn",
        "pull",
        "let_go",
        "around",
        "push",
    )
    time_outs: ClassVar[tuple[int, ...]] = (60, 30, 80, 50, 30, 40, 1000)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.arm = Arm(world, STIFFNESS)
        names = self.task.action_names[self.arm.size :]
        self.open, self.hook = OPEN.targets(names), HOOK.targets(names)
        self.flexions = np.array([[names.index(f"{f}J{k}") for k in range(3)] for f in FINGERS])

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Return the following phase where the present one is done."""
        hinge, latch = self._angles(view)
        hand = self._hand(view)
        bar, up, _ = bar_at(view.memory("frame"), hinge, latch)
        away = np.linalg.norm(hand - bar, axis=1)
        here = in_door(view.memory("frame"), hinge, hand)
        height = ((hand - bar) * up).sum(axis=1)
        beside = hand - bar - height[:, None] * up
        is_over = (np.abs(beside[:, 0]) < NEAR_M) & (beside[:, 1] > -SHORT_M)
        is_done = np.choose(
            phase,
            [
                is_over & (height > ABOVE_M - NEAR_M) & (height < ABOVE_M + NEAR_M),
                (away < NEAR_M) | is_late,
                (latch > TURNED_RAD),
                hinge > LET_GO_RAD,
                (away > FREE_M) | is_late,
                (here[:, 1] > INSIDE_Y_M) | is_late,
                np.zeros(len(rows), dtype=np.bool_),
            ],
        )
        following = np.where(is_done, phase + 1, phase)
        is_lost = (phase >= 2) & (phase <= 3) & (away > LOST_M)
        following[is_lost | (is_late & ~is_done)] = 0
        following[is_lost & (hinge > AJAR_RAD)] = 4
        following[(phase == 6) & (here[:, 1] < OUTSIDE_Y_M)] = 5
        return following

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer the hand relative to the bar."""
        hinge, latch = self._angles(view)
        speed = self.speed[rows]
        ahead_latch = np.where(phase >= 2, np.minimum(latch + TURN_STEP_RAD * speed, 1.6), latch)
        pull = PULL_STEP_RAD * np.minimum(1.0, (self.phase_steps[rows] + 1) / PULL_STEPS)
        ahead_hinge = np.where(phase == 3, hinge + pull * speed, hinge)
        bar, up, forward = bar_at(view.memory("frame"), ahead_hinge, ahead_latch)
        lift = np.array([ABOVE_M, 0.0, -PRESS_M, 0.0, 0.0, 0.0, 0.0])[phase]
        target = bar + lift[:, None] * up
        below = ABOVE_M - ((self._hand(view) - bar) * up).sum(axis=1)
        target[:, 1] -= np.where(phase == 0, np.clip(BACK_OFF * below, 0.0, BACK_OFF_M), 0.0)
        away, inside = phase == 4, phase >= 5
        hand = self._hand(view)
        measured = view.qpos[:, self.task.hand.qpos[self.arm.size :]]
        leaves = np.clip(self._openness(measured) / OPENED, 0.0, 1.0)  # no finger stays behind
        target[away] = (hand - leaves[:, None] * RETREAT_M * forward)[away]
        target[inside] = push_at(view.memory("frame"), hinge, hand, phase == 6)[inside]
        up, forward = up.copy(), forward.copy()
        up[away | inside] = np.array([0.0, 0.0, 1.0])
        joints = view.qpos[:, : self.arm.size]
        directions = [
            (PALM_NORMAL, -up, NORMAL_WEIGHT_M),
            (PALM_FORWARD, forward, FORWARD_WEIGHT_M),
        ]
        goal = self.arm.solve(joints, target, directions, POINT_M)
        moved = self.arm.command(rows, view, goal, (REACH[phase] * speed)[:, None])
        closes = (phase == 2) | (phase == 3)
        wanted = np.where(closes[:, None], self.hook, self.open)
        cap = np.where(closes, CLOSING_STEP_RAD, FINGER_STEP_RAD)[:, None]
        fingers = step_towards(measured, wanted, cap)
        velocity = view.qvel[:, self.task.hand.dof[self.arm.size :]]
        fingers -= np.where(closes, SLOW_S, 0.0)[:, None] * velocity
        return np.concatenate([moved, fingers], axis=1)

    def _angles(self, view: View) -> tuple[FloatArray, FloatArray]:
        return view.qpos[:, self.task.hinge_qpos], view.qpos[:, self.task.latch_qpos]

    def _openness(self, fingers: FloatArray) -> FloatArray:
        """Return how far the finger that opened least is on its way from hook to open, (n,)."""
        left = np.abs(fingers - self.open)[:, self.flexions].sum(axis=2)
        span = np.abs(self.hook - self.open)[self.flexions].sum(axis=1)
        openness: FloatArray = 1.0 - (left / span).max(axis=1)
        return openness

    def _hand(self, view: View) -> FloatArray:
        """Return where the bar should lie in the hand, (n, 3) [m]."""
        return self.arm.pose(view.qpos[:, : self.arm.size], POINT_M).position


def bar_at(
    frame: FloatArray, hinge: FloatArray, latch: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the grip's point on the bar, the bar's upper side, and where the hand points.

    Args:
        frame: Position of the door's frame, (n, 3) [m].
        hinge: Angle of the door, (n,) [rad].
        latch: Angle of the latch, (n,) [rad].
    """
    cos, sin, zero = np.cos(latch), np.sin(latch), np.zeros_like(latch)
    along = np.stack([cos, zero, -sin], axis=1)
    up = np.stack([sin, zero, cos], axis=1)
    point = LATCH_M + np.array([0.0, BAR_Y_M, 0.0]) + GRIP_M * along - HINGE_M
    turn = FOLLOW * hinge
    forward = np.stack([-np.sin(turn), np.cos(turn), zero], axis=1)
    return frame + HINGE_M + _about_z(point, hinge), _about_z(up, hinge), forward


def push_at(
    frame: FloatArray, hinge: FloatArray, hand: FloatArray, pushes: BoolArray
) -> FloatArray:
    """Return where the hand goes to push the door's inner face, or round the door's edge to it.

    Args:
        frame: Position of the door's frame, (n, 3) [m].
        hinge: Angle of the door, (n,) [rad].
        hand: Where the hand is, (n, 3) [m].
        pushes: Which hands are on the inner side already, (n,).
    """
    here = in_door(frame, hinge, hand)
    blocked = ~pushes & (here[:, 0] > EDGE_X_M) & (here[:, 1] < INSIDE_Y_M)
    goal = np.where(pushes[:, None], PUSH_M, AROUND_M)
    goal[blocked, 1] = here[blocked, 1]
    turned = _about_z(goal, np.where(pushes, hinge + PUSH_STEP_RAD, hinge))
    point: FloatArray = frame + HINGE_M + turned
    return point


def in_door(frame: FloatArray, hinge: FloatArray, point: FloatArray) -> FloatArray:
    """Return points (n, 3) in the door's own frame, whose origin is the hinge [m]."""
    offset: FloatArray = point - frame - HINGE_M
    return _about_z(offset, -hinge)


def _about_z(vector: FloatArray, angle: FloatArray) -> FloatArray:
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = vector[:, 0], vector[:, 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y, vector[:, 2]], axis=1)
