"""HandOver expert: the right hand brings the stick to the middle, the left puts it on the pad."""

import numpy as np

from envs.experts.base import Expert, Methods, Phase, follow, step_towards
from envs.experts.carry import (
    FINGER_STEP_RAD,
    FUNNEL_SLOPE,
    LOST_M,
    WRIST_STEP_M,
    WRIST_STEP_RAD,
)
from envs.experts.grasp import cube_grasp, palm_over
from envs.experts.stick_sides import MOUNT_M, Side, funnel, sides
from envs.hand.two_hands import mirrored
from envs.rotations import distance
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.hand_over import CLEAR_M, MOUNT_Y_M, STICK_HALF_SIZE_M, HandOver
from envs.world import World

EASE_M = 0.005  # the stick is light: the fingers squeeze less than for a cube
PASS_M = np.array([0.04, 0.0, 0.18])  # where the stick changes hands
PASSED_M, PASSED_RAD, CALM_M_S = 0.015, 0.12, 0.10
REST_M = np.array([-0.03, -MOUNT_Y_M, 0.28])  # idle palm, in the right hand's frame
CARRY_HEIGHT_M, RISE_M, LOWER_STEP_M = 0.06, 0.06, 0.010
TOUCH_STEP_RAD = 0.12  # finger step while closing or opening
CENTRED_M, TOUCHING_M, AWAY_M = 0.010, 0.003, 0.022
SAG_SHARE = 0.3  # largest remaining share of the stick's sag at the release
LEAVE_M = 0.09
HANDED_Y_M = 0.02  # the left hand picks up a stick left of this


class HandOverPhase(Phase):
    """The hands' phases: the right hand, then both, then the left hand."""

    REACH = 0, 60
    GRASP = 1, 14
    BRING = 2, 60
    TAKE = 3, 60
    HOLD = 4, 14
    RELEASE = 5, 10
    CARRY = 6, 80
    LET_GO = 7, 12
    LEAVE = 8, 30


class HandOverExpert(Expert):
    """Reach, grasp, bring; take, hold, release; carry, let go, leave.

    Random per episode: the speed.
    """

    phases = HandOverPhase
    task: HandOver

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.grasp = cube_grasp(float(STICK_HALF_SIZE_M[0]) + EASE_M)

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Advance when a phase is complete; let the nearer hand pick up a lost stick."""
        right, left = sides(self.task, view)
        gaps = self.task.clearance(view)
        moves = distance(view.qvel[:, self.task.stick_dof :][:, :3], np.zeros(3))
        is_passed = (
            (distance(right.stick, PASS_M) < PASSED_M)
            & (np.abs(right.heading) < PASSED_RAD)
            & (moves < CALM_M_S)
        )
        offset = right.stick - view.memory("goal")
        miss = distance(offset[:, :2], np.zeros(2))
        # The stick sags in the hand: when its far end touches the table, its centre is higher by:
        sag = STICK_HALF_SIZE_M[1] * np.abs(view.site_matrix(self.task.object_site)[:, 2, 1])
        is_down = (miss < CENTRED_M) & (offset[:, 2] < TOUCHING_M + SAG_SHARE * sag)
        picks = np.where(right.stick[:, 1] > HANDED_Y_M, HandOverPhase.TAKE, HandOverPhase.REACH)
        lost_right, lost_left = right.gap > LOST_M, left.gap > LOST_M
        is_held = ~lost_right | (picks == HandOverPhase.TAKE)
        is_clear_right = (gaps[:, :5] > CLEAR_M).all(axis=1)
        is_clear_left = (gaps[:, 5:] > CLEAR_M).all(axis=1)
        rules = (
            (HandOverPhase.REACH, right.is_aligned, HandOverPhase.GRASP),
            (HandOverPhase.REACH, is_late, picks),
            (HandOverPhase.GRASP, is_late, HandOverPhase.BRING),
            (HandOverPhase.BRING, lost_right, picks),
            (HandOverPhase.BRING, is_passed | is_late, HandOverPhase.TAKE),
            (HandOverPhase.TAKE, left.is_aligned, HandOverPhase.HOLD),
            (HandOverPhase.TAKE, ~is_held | is_late, picks),
            (HandOverPhase.HOLD, is_late, HandOverPhase.RELEASE),
            (HandOverPhase.RELEASE, is_clear_right | is_late, HandOverPhase.CARRY),
            (HandOverPhase.CARRY, lost_left | is_late, picks),
            (HandOverPhase.CARRY, is_down, HandOverPhase.LET_GO),
            (HandOverPhase.LET_GO, is_clear_left | is_late, HandOverPhase.LEAVE),
            (HandOverPhase.LEAVE, (miss > AWAY_M) | is_late, picks),
        )
        return follow(phase, rules)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Return each row's command for its phase; an idle hand rests on its side."""
        methods: Methods = {
            HandOverPhase.REACH: self.reach,
            HandOverPhase.GRASP: self.close,
            HandOverPhase.BRING: self.bring,
            HandOverPhase.TAKE: self.take,
            HandOverPhase.HOLD: self.hold,
            HandOverPhase.RELEASE: self.release,
            HandOverPhase.CARRY: self.carry,
            HandOverPhase.LET_GO: self.let_go,
            HandOverPhase.LEAVE: self.leave,
        }
        return self.by_phase(rows, view, phase, methods)

    def reach(self, rows: IntArray, view: View) -> FloatArray:
        """Lower the right hand on the stick."""
        right, _ = sides(self.task, view)
        reaching = self._hand(funnel(right), right.heading, self.grasp.open)
        return self.steer(rows, view, reaching, self._resting(rows))

    def close(self, rows: IntArray, view: View) -> FloatArray:
        """Close the right hand gently."""
        right, _ = sides(self.task, view)
        on = palm_over(right.point, right.heading)
        closing = self._hand(on, right.heading, self.grasp.squeeze)
        return self.steer(rows, view, closing, self._resting(rows), TOUCH_STEP_RAD)

    def bring(self, rows: IntArray, view: View) -> FloatArray:
        """Bring the stick to the handover position with the right hand."""
        right, _ = sides(self.task, view)
        bringing = self._hand(right.palm + PASS_M - right.stick, 0.0, self.grasp.squeeze)
        return self.steer(rows, view, bringing, self._resting(rows))

    def take(self, rows: IntArray, view: View) -> FloatArray:
        """Lower the left hand on the stick that the right hand holds."""
        right, left = sides(self.task, view)
        taking = self._hand(funnel(left), left.heading, self.grasp.open)
        return self.steer(rows, view, self._holding(right), taking)

    def hold(self, rows: IntArray, view: View) -> FloatArray:
        """Close the left hand gently."""
        right, left = sides(self.task, view)
        on = palm_over(left.point, left.heading)
        closing = self._hand(on, left.heading, self.grasp.squeeze)
        return self.steer(rows, view, self._holding(right), closing, TOUCH_STEP_RAD)

    def release(self, rows: IntArray, view: View) -> FloatArray:
        """Open the right hand gently in place."""
        right, left = sides(self.task, view)
        opening = self._hand(right.palm, 0.0, self.grasp.open)
        holding = self._hand(left.palm, 0.0, self.grasp.squeeze)
        return self.steer(rows, view, opening, holding, TOUCH_STEP_RAD)

    def carry(self, rows: IntArray, view: View) -> FloatArray:
        """Carry the stick to the goal with the left hand."""
        _, left = sides(self.task, view)
        carried = left.palm + self._carried(view, left) - left.stick
        carrying = self._hand(carried, 0.0, self.grasp.squeeze)
        return self.steer(rows, view, self._resting(rows), carrying)

    def let_go(self, rows: IntArray, view: View) -> FloatArray:
        """Open the left hand gently over the stick."""
        _, left = sides(self.task, view)
        opening = self._hand(palm_over(left.point, left.heading), left.heading, self.grasp.open)
        return self.steer(rows, view, self._resting(rows), opening, TOUCH_STEP_RAD)

    def leave(self, rows: IntArray, view: View) -> FloatArray:
        """Raise the left hand vertically."""
        _, left = sides(self.task, view)
        above = palm_over(left.point, left.heading) + np.array([0.0, 0.0, LEAVE_M])
        leaving = self._hand(above, left.heading, self.grasp.open)
        return self.steer(rows, view, self._resting(rows), leaving)

    def steer(
        self,
        rows: IntArray,
        view: View,
        right: FloatArray,
        left: FloatArray,
        finger_step: float = FINGER_STEP_RAD,
    ) -> FloatArray:
        """Return one step towards the targets of both hands, (n, 20) each: (n, 40) [rad or m]."""
        joints = view.qpos[:, self.task.hand.qpos]
        limit = np.tile(np.repeat([WRIST_STEP_M, WRIST_STEP_RAD, finger_step], [3, 3, 14]), 2)
        return step_towards(joints, np.hstack([right, left]), limit * self.speed[rows, None])

    def _hand(self, palm: FloatArray, yaw: FloatArray | float, fingers: FloatArray) -> FloatArray:
        """Return one hand's targets, (n, 20) [rad or m]; pitch and roll stay level."""
        target = np.zeros((len(palm), 20))
        target[:, :3], target[:, 3], target[:, 6:] = palm - MOUNT_M, yaw, fingers
        return target

    def _resting(self, rows: IntArray) -> FloatArray:
        """Return the targets of an idle hand, (n, 20) [rad or m]."""
        return self._hand(np.tile(REST_M, (len(rows), 1)), 0.0, self.grasp.open)

    def _holding(self, right: Side) -> FloatArray:
        """Return the right hand's targets: hold the stick, or rest if the stick is lost."""
        holds = (right.gap < LOST_M)[:, None]
        palm = np.where(holds, right.palm + PASS_M - right.stick, REST_M)
        return self._hand(palm, 0.0, np.where(holds, self.grasp.squeeze, self.grasp.open))

    def _carried(self, view: View, left: Side) -> FloatArray:
        """Return the stick's next position in the left hand: up, over the goal, down on it."""
        place = mirrored(view.memory("goal"))
        miss = distance(left.stick[:, :2], place[:, :2])
        height = np.clip(FUNNEL_SLOPE * (miss - 0.5 * CENTRED_M), 0.0, CARRY_HEIGHT_M)
        rise = place[:, 2] + height - left.stick[:, 2]
        share = np.clip(1.0 - rise / RISE_M, 0.0, 1.0)
        goal = left.stick + share[:, None] * (place - left.stick)
        goal[:, 2] = left.stick[:, 2] + np.maximum(rise, -LOWER_STEP_M)
        return goal
