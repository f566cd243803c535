"""AdroitDoor expert: turn the bar, pull the door, release it, push it open from the inside.

The arm cannot reach far enough to the side to pull the door completely open: it lets the swinging
door pass and pushes the rest of the way from the inside.
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
POINT_M = np.array([0.0201, -0.0292, 0.075])  # position of the held bar in the palm frame
ABOVE_M, NEAR_M, SHORT_M = 0.067, 0.0324, 0.0642
BACK_OFF, BACK_OFF_M = 4.36, 0.221  # the hand rises before it moves over the bar
PRESS_M = 0.0177  # depth of the hand's target inside the bar
TURN_STEP_RAD, PULL_STEP_RAD = 0.763, 0.378
PULL_STEPS = 7  # control steps in which the pull ramps up to its full force
TURNED_RAD, MOST_TURNED_RAD = 1.26, 1.6
# Joint error limit of each phase [m or rad]; it limits speed and force to keep contacts shallow.
REACH = np.array([0.39, 0.366, 0.387, 0.419, 0.159, 0.478, 0.102])
LET_GO_RAD, AJAR_RAD, LOST_M = 0.467, 0.3, 0.15
RETREAT_M = 0.18  # from the bar, opposite to the fingers, so that their tips slide off its end
OPENED = 0.48  # share of the way from HOOK to OPEN at which the hand leaves at full speed
FINGERS = ("FF", "MF", "RF", "LF")
PUSH_M = np.array([-0.446, 0.0168, -0.0776])  # on the inner face, from the hinge, door closed
PUSH_STEP_RAD = 0.145
FREE_M = 0.149  # distance from the bar at which the fingers are off it
FINGER_STEP_RAD, CLOSING_STEP_RAD = 0.613, 0.759
SLOW_S = 0.015  # the target of a closing finger lags by its velocity times this
OPEN = Posture((0.164, 0.381, 0.5), (0.694, 0.478, 0.174, -0.756, -0.186))
HOOK = Posture((1.36, 0.726, 0.763), (0.871, 0.962, 0.148, 0.397, -0.106))


class DoorPhase(Phase):
    """The hand's phases, first at the bar, then at the door."""

    OVER = 0, 60
    ONTO = 1, 30
    TURN = 2, 80
    PULL = 3, 50
    LET_GO = 4, 30
    AROUND = 5, 40
    PUSH = 6


class AdroitDoorExpert(Expert):
    """Move the palm to the bar's pose at slightly larger latch and hinge angles.

    Random per episode: the speed.
    """

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
        """Return the next phase where the current one is complete."""
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
        """Move the palm to the phase's target; hook the fingers over the bar to turn and pull."""
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

    # Each phase returns a target of the hand, (n, 3, 3): point [m], direction of the back of the
    # hand, direction of the fingers.

    def over(self, rows: IntArray, view: View) -> FloatArray:
        """Return a target over the bar; the hand stays back until it has risen."""
        del rows
        bar, up, forward = bar_at(view.memory("frame"), *self._angles(view))
        point = bar + ABOVE_M * up
        below = ABOVE_M - ((self._hand(view) - bar) * up).sum(axis=1)
        point[:, 1] -= np.clip(BACK_OFF * below, 0.0, BACK_OFF_M)
        return np.stack([point, up, forward], axis=1)

    def onto(self, rows: IntArray, view: View) -> FloatArray:
        """Return a target at the bar."""
        del rows
        return np.stack(bar_at(view.memory("frame"), *self._angles(view)), axis=1)

    def turn(self, rows: IntArray, view: View) -> FloatArray:
        """Return a target inside the bar at a larger latch angle."""
        hinge, latch = self._angles(view)
        bar, up, forward = bar_at(view.memory("frame"), hinge, self._turned(rows, latch))
        return np.stack([bar - PRESS_M * up, up, forward], axis=1)

    def pull(self, rows: IntArray, view: View) -> FloatArray:
        """Return a target at the bar at a larger door angle, with a lead that ramps up."""
        hinge, latch = self._angles(view)
        pull = PULL_STEP_RAD * np.minimum(1.0, (self.phase_steps[rows] + 1) / PULL_STEPS)
        ahead = hinge + pull * self.speed[rows]
        return np.stack(bar_at(view.memory("frame"), ahead, self._turned(rows, latch)), axis=1)

    def let_go(self, rows: IntArray, view: View) -> FloatArray:
        """Return a target away from the bar, nearer while the fingers are still opening."""
        del rows
        _, _, forward = bar_at(view.memory("frame"), *self._angles(view))
        leaves = np.clip(self._openness(view) / OPENED, 0.0, 1.0)
        return _upright(self._hand(view) - leaves[:, None] * RETREAT_M * forward, forward)

    def around(self, rows: IntArray, view: View) -> FloatArray:
        """Return a target past the door's edge, towards its inner side."""
        del rows
        hinge, latch = self._angles(view)
        _, _, forward = bar_at(view.memory("frame"), hinge, latch)
        return _upright(round_edge(view.memory("frame"), hinge, self._hand(view)), forward)

    def push(self, rows: IntArray, view: View) -> FloatArray:
        """Return a target on the door's inner face at a larger door angle."""
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
        posture = np.where(closes, self.hook, self.open)
        cap = np.where(closes, CLOSING_STEP_RAD, FINGER_STEP_RAD)
        return step_towards(measured, posture, cap) - np.where(closes, SLOW_S, 0.0) * velocity

    def _turned(self, rows: IntArray, latch: FloatArray) -> FloatArray:
        """Return the next target angle of the latch, (n,) [rad]."""
        return np.minimum(latch + TURN_STEP_RAD * self.speed[rows], MOST_TURNED_RAD)

    def _measured(self, view: View) -> FloatArray:
        return view.qpos[:, self.task.hand.qpos[self.arm.size :]]

    def _angles(self, view: View) -> tuple[FloatArray, FloatArray]:
        return view.qpos[:, self.task.hinge_qpos], view.qpos[:, self.task.latch_qpos]

    def _openness(self, view: View) -> FloatArray:
        """Return the progress from hook to open of the finger that opened least, (n,)."""
        left = np.abs(self._measured(view) - self.open)[:, self.flexions].sum(axis=2)
        span = np.abs(self.hook - self.open)[self.flexions].sum(axis=1)
        openness: FloatArray = 1.0 - (left / span).max(axis=1)
        return openness

    def _hand(self, view: View) -> FloatArray:
        """Return the hand's grasp point for the bar, (n, 3) [m]."""
        return self.arm.pose(view.qpos[:, : self.arm.size], POINT_M).position


def _upright(point: FloatArray, forward: FloatArray) -> FloatArray:
    """Return the target of a level hand, (n, 3, 3)."""
    return np.stack([point, np.broadcast_to(UP, point.shape), forward], axis=1)
