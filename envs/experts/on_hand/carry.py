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
from envs.experts.grasp import Grasp, grasped_point, palm_over
from envs.experts.on_hand.grasp import GIVE, cube_grasp_of
from envs.rotations import turn
from envs.task import BoolArray, FloatArray, IntArray, View
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M
from envs.tasks.on_hand.wrist import WRIST, WristTaskOnHand
from envs.world import World

SLIDE_STEPS_M = np.full(3, WRIST_STEP_M)
CLOSE_STEPS = 4, 30  # fewest and most control steps of closing
CLOSE_STEP_RAD = 0.08  # less than for the fmbench hand: LEAP's servos are faster
STILL_RAD_S = 0.15  # of fingers that have closed
ACCELERATION_M_S2 = 15.0  # of the wrist; more of it pulls the hand from what it holds


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
        inertia: FloatArray = task.model.dof_M0[task.hand.dof[:WRIST]]
        servos = task.controls.actuators[:WRIST]
        kp, kv = task.model.actuator_gainprm[servos, 0], -task.model.actuator_biasprm[servos, 2]
        # A target ahead by this distance, and by damping times speed, accelerates by the constant.
        self._ahead_m = (ACCELERATION_M_S2 * inertia / kp)[:3]
        self._ahead_s = (kv / kp)[:3]
        # A target behind by this times speed damps critically a hand that is heavy for the wrist.
        self._brake_s = np.maximum(0.0, 2.0 * np.sqrt(inertia / kp) - kv / kp)

    def postures(self, rows: IntArray, view: View) -> Grasp:
        """Return the open posture and the targets that squeeze with the stated force."""
        grasp = super().postures(rows, view)
        return Grasp(grasp.open, grasp.squeeze + GIVE * self.task.measured(view)[:, WRIST:])

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

    def close(self, rows: IntArray, view: View) -> FloatArray:
        """Close the fingers with the hold point at the object."""
        return self.slowed(rows, view, super().close(rows, view), CLOSE_STEP_RAD)

    def slowed(
        self, rows: IntArray, view: View, command: FloatArray, finger_step: float
    ) -> FloatArray:
        """Return a command, (n, act_dim), with a smaller step of the fingers [rad]."""
        fingers = self.task.measured(view)[:, WRIST:]
        step = finger_step * self.speed[rows, None]
        command[:, WRIST:] = straight_step(fingers, command[:, WRIST:], step)
        return command

    def steer(
        self,
        rows: IntArray,
        view: View,
        slides: FloatArray,
        yaw: FloatArray,
        fingers: FloatArray,
        finger_step: float = FINGER_STEP_RAD,
        slide_steps: FloatArray = SLIDE_STEPS_M,
    ) -> FloatArray:
        """Return targets one step towards a pose of the pitched hand, (n, act_dim) [rad or m].

        The arguments are those of the replaced hand, but `fingers` are those of this one, and
        `slide_steps`, (3,) [m], limit the steps of the slides.
        """
        task, hold, speed = self.task, self.task.hold, self.speed[rows, None]
        measured, velocity = task.measured(view), task.measured_velocity(view)
        target = np.zeros_like(measured)  # the roll stays level
        target[:, 3], target[:, 4] = yaw - hold.heading, hold.pitch
        ahead = np.minimum(slide_steps, self._ahead_m + self._ahead_s * np.abs(velocity[:, :3]))
        limit = np.append(ahead, np.full_like(ahead, WRIST_STEP_RAD), axis=1) * speed
        next_yaw = step_towards(measured[:, 3], target[:, 3], limit[:, 3])
        # The hold point moves with the slides, and with a turn about the palm.
        to_go = grasped_point(slides + MOUNT_M, yaw) - grasped_point(*self._palm_pose(view))
        turned = turn(self._pitched, next_yaw) - turn(self._pitched, measured[:, 3])
        target[:, :3] = measured[:, :3] + to_go - turned
        target[:, :WRIST] = step_towards(measured[:, :WRIST], target[:, :WRIST], limit)
        target[:, :WRIST] -= self._brake_s * velocity[:, :WRIST]
        target[:, WRIST:] = straight_step(measured[:, WRIST:], fingers, finger_step * speed)
        return target

    def _palm_pose(self, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the replaced palm's position (n, 3) [m, world] and yaw (n,) [rad]."""
        hold, palm = self.task.hold, self.task.hand.palm
        axes = view.site_matrix(palm)
        point, axis = view.site_position(palm) + axes @ hold.point, axes @ hold.axes[:, 0]
        yaw = np.arctan2(axis[:, 1], axis[:, 0])
        return palm_over(point, yaw), yaw


def straight_step(present: FloatArray, target: FloatArray, most: FloatArray) -> FloatArray:
    """Return a step of n postures on the straight way to their targets, (n, k) [rad].

    Args:
        present: The postures, (n, k) [rad].
        target: Their targets, (n, k) or (k,) [rad].
        most: Largest step of a servo, (n, 1) [rad].
    """
    way = target - present
    largest = np.abs(way).max(axis=1, keepdims=True)
    return np.asarray(present + way * np.minimum(1.0, most / np.maximum(largest, 1e-9)))
