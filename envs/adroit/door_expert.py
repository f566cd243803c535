"""Expert for AdroitDoor: over the bar, onto it, turn it, pull, let go, push the door's inside.

The arm cannot reach far enough to the side to pull the door all the way: it lets the swinging
door pass and pushes what is left from the inside.
"""

import numpy as np

from envs.adroit.arm import Arm
from envs.adroit.door_places import INSIDE_Y_M, OUTSIDE_Y_M, bar_at, in_door, in_world, round_edge
from envs.adroit.door_task import AdroitDoor
from envs.adroit.fingers import Posture
from envs.experts.base import Expert, Methods, Phase, follow, step_towards
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.world import World

STIFFNESS = 23.9  # [rad/s]
UP = np.array([0.0, 0.0, 1.0])
PALM_NORMAL, PALM_FORWARD = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])
NORMAL_WEIGHT_M, FORWARD_WEIGHT_M = 0.107, 0.0251
POINT_M = np.array([0.0201, -0.0292, 0.075])  # of the palm frame, where the bar lies in the hand
ABOVE_M, NEAR_M, SHORT_M = 0.067, 0.0324, 0.0642
BACK_OFF, BACK_OFF_M = 4.36, 0.221  # the hand rises before it goes over the bar
PRESS_M = 0.0177  # how far into the bar the hand aims
TURN_STEP_RAD, PULL_STEP_RAD = 0.763, 0.378
PULL_STEPS = 7  # control steps in which the pull grows to its full force
TURNED_RAD, MOST_TURNED_RAD = 1.26, 1.6
# [m or rad], of the joints, in each phase: caps speed and force, so contacts stay shallow.
REACH = np.array([0.39, 0.366, 0.387, 0.419, 0.159, 0.478, 0.102])
LET_GO_RAD, AJAR_RAD, LOST_M = 0.467, 0.3, 0.15
RETREAT_M = 0.18  # off the bar, against where the fingers point: their tips slide off its end
OPENED = 0.48  # of the way from HOOK to OPEN: from here on the hand leaves at full speed
FINGERS = ("FF", "MF", "RF", "LF")
PUSH_M = np.array([-0.446, 0.0168, -0.0776])  # from the hinge, the door closed: on its inner face
PUSH_STEP_RAD = 0.145
FREE_M = 0.149  # from the bar: the fingers are off it
FINGER_STEP_RAD, CLOSING_STEP_RAD = 0.613, 0.759
SLOW_S = 0.015  # the target of a finger that closes stays behind by its velocity times this
OPEN = Posture((0.164, 0.381, 0.5), (0.694, 0.478, 0.174, -0.756, -0.186))
HOOK = Posture((1.36, 0.726, 0.763), (0.871, 0.962, 0.148, 0.397, -0.106))


class DoorPhase(Phase):
    """What the hand does, first with the bar, then with the door."""

    OVER = 0, 60
    ONTO = 1, 30
    TURN = 2, 80
    PULL = 3, 50
    LET_GO = 4, 30
    AROUND = 5, 40
    PUSH = 6


class AdroitDoorExpert(Expert):
    """Steers the palm to where the bar will be when latch and hinge have turned a little more."""

    task: AdroitDoor
    phases = DoorPhase

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.arm = Arm(world, STIFFNESS)
        names = self.task.action_names[self.arm.size :]
        self.open, self.hook = OPEN.targets(names), HOOK.targets(names)
        self.flexions = np.array([[names.index(f"{f}J{k}") for k in range(3)] for f in FINGERS])

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
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
        is_over &= (height > ABOVE_M - NEAR_M) & (height < ABOVE_M + NEAR_M)
        is_lost = away > LOST_M
        is_ajar = is_lost & (hinge > AJAR_RAD)
        rules = (
            (DoorPhase.OVER, is_over, DoorPhase.ONTO),
            (DoorPhase.ONTO, (away < NEAR_M) | is_late, DoorPhase.TURN),
            (DoorPhase.TURN, is_ajar, DoorPhase.LET_GO),
            (DoorPhase.TURN, is_lost, DoorPhase.OVER),
            (DoorPhase.TURN, latch > TURNED_RAD, DoorPhase.PULL),
            (DoorPhase.TURN, is_late, DoorPhase.OVER),
            (DoorPhase.PULL, is_ajar, DoorPhase.LET_GO),
            (DoorPhase.PULL, is_lost, DoorPhase.OVER),
            (DoorPhase.PULL, hinge > LET_GO_RAD, DoorPhase.LET_GO),
            (DoorPhase.PULL, is_late, DoorPhase.OVER),
            (DoorPhase.LET_GO, (away > FREE_M) | is_late, DoorPhase.AROUND),
            (DoorPhase.AROUND, (here[:, 1] > INSIDE_Y_M) | is_late, DoorPhase.PUSH),
            (DoorPhase.PUSH, here[:, 1] < OUTSIDE_Y_M, DoorPhase.AROUND),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer the palm to the phase's aim; hook the fingers round the bar to turn and pull."""
        aims: Methods = {
            DoorPhase.OVER: self.over,
            DoorPhase.ONTO: self.onto,
            DoorPhase.TURN: self.turn,
            DoorPhase.PULL: self.pull,
            DoorPhase.LET_GO: self.let_go,
            DoorPhase.AROUND: self.around,
            DoorPhase.PUSH: self.push,
        }
        point, up, forward = self.by_phase(rows, view, phase, aims).transpose(1, 0, 2)
        directions = [
            (PALM_NORMAL, -up, NORMAL_WEIGHT_M),
            (PALM_FORWARD, forward, FORWARD_WEIGHT_M),
        ]
        goal = self.arm.solve(view.qpos[:, : self.arm.size], point, directions, POINT_M)
        moved = self.arm.command(rows, view, goal, (REACH[phase] * self.speed[rows])[:, None])
        return np.concatenate([moved, self._fingers(view, phase)], axis=1)

    # Each phase's aim: the hand's point [m], where its back looks, where it points, (n, 3, 3).

    def over(self, rows: IntArray, view: View) -> FloatArray:
        """Aim over the bar; the hand stays back until it has risen."""
        del rows
        bar, up, forward = bar_at(view.memory("frame"), *self._angles(view))
        point = bar + ABOVE_M * up
        below = ABOVE_M - ((self._hand(view) - bar) * up).sum(axis=1)
        point[:, 1] -= np.clip(BACK_OFF * below, 0.0, BACK_OFF_M)
        return np.stack([point, up, forward], axis=1)

    def onto(self, rows: IntArray, view: View) -> FloatArray:
        """Aim at the bar."""
        del rows
        return np.stack(bar_at(view.memory("frame"), *self._angles(view)), axis=1)

    def turn(self, rows: IntArray, view: View) -> FloatArray:
        """Aim into the bar where it will be when the latch has turned further."""
        hinge, latch = self._angles(view)
        bar, up, forward = bar_at(view.memory("frame"), hinge, self._turned(rows, latch))
        return np.stack([bar - PRESS_M * up, up, forward], axis=1)

    def pull(self, rows: IntArray, view: View) -> FloatArray:
        """Aim at the bar where it will be when the door has opened further, and ever further."""
        hinge, latch = self._angles(view)
        pull = PULL_STEP_RAD * np.minimum(1.0, (self.phase_steps[rows] + 1) / PULL_STEPS)
        ahead = hinge + pull * self.speed[rows]
        return np.stack(bar_at(view.memory("frame"), ahead, self._turned(rows, latch)), axis=1)

    def let_go(self, rows: IntArray, view: View) -> FloatArray:
        """Aim back off the bar, the nearer the less the fingers are open: none stays behind."""
        del rows
        _, _, forward = bar_at(view.memory("frame"), *self._angles(view))
        leaves = np.clip(self._openness(view) / OPENED, 0.0, 1.0)
        return _upright(self._hand(view) - leaves[:, None] * RETREAT_M * forward, forward)

    def around(self, rows: IntArray, view: View) -> FloatArray:
        """Aim past the door's edge, to its inner side."""
        del rows
        hinge, latch = self._angles(view)
        _, _, forward = bar_at(view.memory("frame"), hinge, latch)
        return _upright(round_edge(view.memory("frame"), hinge, self._hand(view)), forward)

    def push(self, rows: IntArray, view: View) -> FloatArray:
        """Aim at the door's inner face where it will be when the door has opened further."""
        del rows
        hinge, latch = self._angles(view)
        _, _, forward = bar_at(view.memory("frame"), hinge, latch)
        place = np.tile(PUSH_M, (len(view), 1))
        return _upright(in_world(view.memory("frame"), hinge + PUSH_STEP_RAD, place), forward)

    def _fingers(self, view: View, phase: IntArray) -> FloatArray:
        """Return the targets of fingers and thumb, (n, act_dim - arm.size) [rad]."""
        measured = self._measured(view)
        velocity = view.qvel[:, self.task.hand.dof[self.arm.size :]]
        closes = ((phase == DoorPhase.TURN) | (phase == DoorPhase.PULL))[:, None]
        wanted = np.where(closes, self.hook, self.open)
        cap = np.where(closes, CLOSING_STEP_RAD, FINGER_STEP_RAD)
        return step_towards(measured, wanted, cap) - np.where(closes, SLOW_S, 0.0) * velocity

    def _turned(self, rows: IntArray, latch: FloatArray) -> FloatArray:
        """Return the latch's angle to which the hand turns it next, (n,) [rad]."""
        return np.minimum(latch + TURN_STEP_RAD * self.speed[rows], MOST_TURNED_RAD)

    def _measured(self, view: View) -> FloatArray:
        return view.qpos[:, self.task.hand.qpos[self.arm.size :]]

    def _angles(self, view: View) -> tuple[FloatArray, FloatArray]:
        return view.qpos[:, self.task.hinge_qpos], view.qpos[:, self.task.latch_qpos]

    def _openness(self, view: View) -> FloatArray:
        """Return how far the finger that opened least is on its way from hook to open, (n,)."""
        left = np.abs(self._measured(view) - self.open)[:, self.flexions].sum(axis=2)
        span = np.abs(self.hook - self.open)[self.flexions].sum(axis=1)
        openness: FloatArray = 1.0 - (left / span).max(axis=1)
        return openness

    def _hand(self, view: View) -> FloatArray:
        """Return where the bar should lie in the hand, (n, 3) [m]."""
        return self.arm.pose(view.qpos[:, : self.arm.size], POINT_M).position


def _upright(point: FloatArray, forward: FloatArray) -> FloatArray:
    """Return an aim of a level hand, (n, 3, 3)."""
    return np.stack([point, np.broadcast_to(UP, point.shape), forward], axis=1)
