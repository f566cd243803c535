"""HandOver's expert: one hand brings the stick to the middle, the other takes and lays it down."""

from dataclasses import dataclass

import numpy as np

from envs.experts.base import Expert, step_towards
from envs.experts.carry import (
    ALIGNED_M,
    ALIGNED_RAD,
    FINGER_STEP_RAD,
    FUNNEL_SLOPE,
    HOVER_M,
    LOST_M,
    WRIST_STEP_M,
    WRIST_STEP_RAD,
)
from envs.experts.grasp import cube_grasp, grasped_point, palm_over
from envs.hand.two_hands import mirrored
from envs.rotations import distance
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.cube_parts import MOUNT_HEIGHT_M
from envs.tasks.hand_over import CLEAR_M, MOUNT_Y_M, STICK_HALF_SIZE_M, HandOver
from envs.world import World

GRASP_M = 0.055  # from the stick's centre to where a hand holds it
EASE_M = 0.005  # the stick is light: the fingers squeeze this much less than a cube's
PASS_M = np.array([0.04, 0.0, 0.18])  # where the stick changes hands
PASSED_M, PASSED_RAD, CALM_M_S = 0.015, 0.12, 0.10
REST_M = np.array([-0.03, -MOUNT_Y_M, 0.28])  # of an idle palm, its own side negative
MOUNT_M = np.array([0.0, -MOUNT_Y_M, MOUNT_HEIGHT_M])
CARRY_HEIGHT_M, RISE_M, LOWER_STEP_M = 0.06, 0.06, 0.010
TOUCH_STEP_RAD = 0.12  # of fingers that close or open
CENTRED_M, TOUCHING_M, AWAY_M = 0.010, 0.003, 0.022
SAG_SHARE = 0.3  # of the sag that may be left when the hand lets go
LEAVE_M = 0.09
HANDED_Y_M = 0.02  # a stick that lies further left is the left hand's


@dataclass(frozen=True)
class Side:
    """What one hand has to do with the stick; for the left hand, as seen in the mirror.

    Attributes:
        palm: Palm centre, (n, 3) [m].
        yaw: The hand's yaw, (n,) [rad].
        stick: The stick's centre, (n, 3) [m].
        point: Where the hand holds the stick or is to hold it, (n, 3) [m].
        heading: The yaw with which it does, (n,) [rad].
    """

    palm: FloatArray
    yaw: FloatArray
    stick: FloatArray
    point: FloatArray
    heading: FloatArray

    @property
    def gap(self) -> FloatArray:
        """Distance from the hand's grasp to the point on the stick, (n,) [m]."""
        return distance(grasped_point(self.palm, self.yaw), self.point)

    @property
    def is_aligned(self) -> BoolArray:
        """Whether the hand can close, (n,)."""
        return np.asarray((self.gap < ALIGNED_M) & (np.abs(self.yaw - self.heading) < ALIGNED_RAD))


class HandOverExpert(Expert):
    """Reach, grasp, bring; take, hold, release; carry, let go, leave. Its randomness: the speed."""

    phases = ("reach", "grasp", "bring", "take", "hold", "release", "carry", "let_go", "leave")
    time_outs = (60, 14, 60, 60, 14, 10, 80, 12, 30)
    task: HandOver

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.grasp = cube_grasp(float(STICK_HALF_SIZE_M[0]) + EASE_M)

    def sides(self, view: View) -> tuple[Side, Side]:
        """Return what the right hand sees, and what the left hand sees in the mirror."""
        stick = view.site_position(self.task.object_site)
        along = view.site_matrix(self.task.object_site)[:, :, 1]
        found = []
        for k, hand in enumerate(self.task.hand.sides):
            own, axis = (mirrored(stick), mirrored(along)) if k else (stick, along)
            axis = axis * np.where(axis[:, 1] > 0.0, -1.0, 1.0)[:, None]  # to the hand's own side
            wrist = view.qpos[:, hand.qpos[:4]]
            heading = np.arctan2(axis[:, 0], -axis[:, 1])
            point = own + GRASP_M * axis
            found.append(Side(wrist[:, :3] + MOUNT_M, wrist[:, 3], own, point, heading))
        return found[0], found[1]

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: np.ndarray
    ) -> IntArray:
        """Go on when a phase has done its work; let the nearer hand pick up what is lost."""
        right, left = self.sides(view)
        gaps = self.task.clearance(view)
        reach, grasp, bring, take, hold, release, carry, let_go, leave = range(9)
        moves = distance(view.qvel[:, self.task.stick_dof :][:, :3], np.zeros(3))
        is_passed = (
            (distance(right.stick, PASS_M) < PASSED_M)
            & (np.abs(right.heading) < PASSED_RAD)
            & (moves < CALM_M_S)
        )
        offset = right.stick - view.memory("goal")
        miss = distance(offset[:, :2], np.zeros(2))
        # It sags in the hand: its far end is down first, and its centre this much above the table.
        sag = STICK_HALF_SIZE_M[1] * np.abs(view.site_matrix(self.task.object_site)[:, 2, 1])
        is_down = (miss < CENTRED_M) & (offset[:, 2] < TOUCHING_M + SAG_SHARE * sag)
        picks = np.where(right.stick[:, 1] > HANDED_Y_M, take, reach)
        lost_right, lost_left = right.gap > LOST_M, left.gap > LOST_M
        is_held = ~lost_right | (picks == take)
        rules = [
            ((phase == reach) & right.is_aligned, grasp),
            ((phase == reach) & is_late, picks),
            ((phase == grasp) & is_late, bring),
            ((phase == bring) & lost_right, picks),
            ((phase == bring) & (is_passed | is_late), take),
            ((phase == take) & left.is_aligned, hold),
            ((phase == take) & (~is_held | is_late), picks),
            ((phase == hold) & is_late, release),
            ((phase == release) & ((gaps[:, :5] > CLEAR_M).all(axis=1) | is_late), carry),
            ((phase == carry) & (lost_left | is_late), picks),
            ((phase == carry) & is_down, let_go),
            ((phase == let_go) & ((gaps[:, 5:] > CLEAR_M).all(axis=1) | is_late), leave),
            ((phase == leave) & ((miss > AWAY_M) | is_late), picks),
        ]
        conditions, choices = zip(*rules, strict=True)
        return np.asarray(np.select(conditions, choices, phase))

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer each hand to its phase's pose and posture; an idle hand rests on its side."""
        right, left = self.sides(view)
        holds_right = (phase == 1) | (phase == 2)
        holds_right |= ((phase == 3) | (phase == 4)) & (right.gap < LOST_M)
        brought = right.palm + PASS_M - right.stick
        right_place = np.select(
            [(phase == 0)[:, None], (phase == 1)[:, None], holds_right[:, None]],
            [_funnel(right), palm_over(right.point, right.heading), brought],
            REST_M,
        )
        right_place = np.where((phase == 5)[:, None], right.palm, right_place)
        right_yaw = np.where(phase <= 1, right.heading, 0.0)
        carried = left.palm + self._carried(view, left) - left.stick
        on = palm_over(left.point, left.heading)
        left_place = np.select(
            [(phase == k)[:, None] for k in (3, 4, 5, 6, 7, 8)],
            [_funnel(left), on, left.palm, carried, on, on + np.array([0.0, 0.0, LEAVE_M])],
            REST_M,
        )
        left_yaw = np.select([(phase == 3) | (phase == 4) | (phase >= 7)], [left.heading], 0.0)
        squeezes_left = (phase >= 4) & (phase <= 6)
        hands = (
            self._hand(right_place, right_yaw, holds_right),
            self._hand(left_place, left_yaw, squeezes_left),
        )
        joints = view.qpos[:, self.task.hand.qpos]
        limit = np.tile(np.repeat([WRIST_STEP_M, WRIST_STEP_RAD, FINGER_STEP_RAD], [3, 3, 14]), 2)
        gently = np.isin(phase, [1, 4, 5, 7])[:, None] & (limit == FINGER_STEP_RAD)
        limit = np.where(gently, TOUCH_STEP_RAD, limit)
        return step_towards(joints, np.hstack(hands), limit * self.speed[rows, None])

    def _hand(self, palm: FloatArray, yaw: FloatArray, squeezes: BoolArray) -> FloatArray:
        """Return one hand's targets, (n, 20) [rad or m]; pitch and roll stay level."""
        target = np.zeros((len(palm), 20))
        target[:, :3], target[:, 3] = palm - MOUNT_M, yaw
        target[:, 6:] = np.where(squeezes[:, None], self.grasp.squeeze, self.grasp.open)
        return target

    def _carried(self, view: View, left: Side) -> FloatArray:
        """Return where the left hand shall bring the stick next: up, over its place, down on it."""
        place = mirrored(view.memory("goal"))
        miss = distance(left.stick[:, :2], place[:, :2])
        height = np.clip(FUNNEL_SLOPE * (miss - 0.5 * CENTRED_M), 0.0, CARRY_HEIGHT_M)
        rise = place[:, 2] + height - left.stick[:, 2]
        share = np.clip(1.0 - rise / RISE_M, 0.0, 1.0)
        goal = left.stick + share[:, None] * (place - left.stick)
        goal[:, 2] = left.stick[:, 2] + np.maximum(rise, -LOWER_STEP_M)
        return goal


def _funnel(side: Side) -> FloatArray:
    """Return where a palm shall be that comes down on the stick as it gets aligned, (n, 3)."""
    over = palm_over(side.point, side.heading)
    miss = distance(side.palm[:, :2], over[:, :2])
    over[:, 2] += np.clip(FUNNEL_SLOPE * (miss - 0.006), 0.0, HOVER_M)
    return over
