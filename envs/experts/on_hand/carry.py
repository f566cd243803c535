"""Base of the experts that grasp with a described hand: they steer its hold point."""

import numpy as np

from envs.experts.base import step_towards
from envs.experts.carry import (
    FINGER_STEP_RAD,
    MOUNT_M,
    WRIST_STEP_M,
    WRIST_STEP_RAD,
    CarryExpert,
    CarryPhase,
)
from envs.experts.grasp import grasped_point, palm_over
from envs.experts.on_hand.grasp import cube_grasp_of
from envs.rotations import turn
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M
from envs.tasks.on_hand.wrist import WRIST, WristTaskOnHand
from envs.world import World

CLOSE_STEPS = 4, 30  # fewest and most control steps of closing
STILL_RAD_S = 0.15  # of fingers that have closed
ACCELERATION_M_S2 = 6.0  # of the wrist; more of it pulls the hand from what it holds


class CarryOnHandExpert(CarryExpert):
    """Approach, close and carry as an expert of the fmbench hand does, with another hand.

    The pose of the palm is replaced by that of a fmbench hand that would hold at the same point
    and along the same axis; targets of that palm are converted back. A hand has closed when its
    fingers are still, since servos differ, and its wrist accelerates gently.
    """

    task: WristTaskOnHand

    def __init__(self, world: World) -> None:
        super().__init__(world)
        task, hold = self.task, self.task.hold
        self.grasp = cube_grasp_of(task.described, CUBE_HALF_SIZE_M)
        columns = [task.loaded.columns[finger] for finger in (hold.thumb, *hold.others)]
        self._holding = WRIST + np.concatenate(columns)
        self._pitched: FloatArray = hold.at_yaw(0.0) @ hold.point
        servo, joint = task.model.actuator("wrist_z"), task.model.joint("wrist_z")
        mass = float(task.model.body("hand_mount").subtreemass[0] + joint.armature[0])
        # A target ahead by this distance, and by damping times speed, accelerates by the constant.
        self._ahead_m = ACCELERATION_M_S2 * mass / servo.gainprm[0]
        self._ahead_s = -servo.biasprm[2] / servo.gainprm[0]

    def next_phase(
        self, rows: IntArray, view: View, phase: IntArray, is_late: BoolArray
    ) -> IntArray:
        """Follow the phases of the task's expert; the fingers have closed when they are still."""
        fewest, most = CLOSE_STEPS
        steps = self.phase_steps[rows]
        speed = np.abs(self.task.measured_velocity(view)[:, self._holding]).max(axis=1)
        is_closed = ((speed < STILL_RAD_S) & (steps >= fewest)) | (steps >= most)
        is_late = np.where(phase == CarryPhase.CLOSE, is_closed, is_late)
        return super().next_phase(rows, view, phase, is_late)

    def steer(
        self,
        rows: IntArray,
        view: View,
        slides: FloatArray,
        yaw: FloatArray,
        fingers: FloatArray,
        finger_step: float = FINGER_STEP_RAD,
    ) -> FloatArray:
        """Return targets one step towards a pose of the pitched hand, (n, act_dim) [rad or m].

        The arguments are those of the replaced hand, and `fingers` those of this one.
        """
        task, hold, speed = self.task, self.task.hold, self.speed[rows, None]
        measured, velocity = task.measured(view), task.measured_velocity(view)
        target = np.zeros_like(measured)  # the roll stays level
        target[:, 3], target[:, 4] = yaw - hold.heading, hold.pitch
        target[:, WRIST:] = fingers
        limit = np.full(target.shape, finger_step)
        limit[:, 3:WRIST] = WRIST_STEP_RAD
        ahead = self._ahead_m + self._ahead_s * np.abs(velocity[:, :3])
        limit[:, :3] = np.minimum(WRIST_STEP_M, ahead)
        next_yaw = step_towards(measured, target, limit * speed)[:, 3]
        target[:, :3] = grasped_point(slides + MOUNT_M, yaw) - turn(self._pitched, next_yaw)
        target[:, :3] -= task.mount_m
        return step_towards(measured, target, limit * speed)

    def _palm_pose(self, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the replaced palm's position (n, 3) [m, world] and yaw (n,) [rad]."""
        hold, palm = self.task.hold, self.task.hand.palm
        axes = view.site_matrix(palm)
        point, axis = view.site_position(palm) + axes @ hold.point, axes @ hold.axes[:, 0]
        yaw = np.arctan2(axis[:, 1], axis[:, 0])
        return palm_over(point, yaw), yaw
