"""Inverse kinematics and computed-torque control of the Adroit arm and wrist.

The arm's actuators are not position servos (force 500 ctrl - 200 q, 4 kg of forearm, light
damping), so a joint target overshoots. `Arm.command` instead computes the torques of a critically
damped approach (computed torque) and returns the targets that produce them.
"""

from dataclasses import dataclass

import mujoco
import numpy as np

from envs.adroit.models import ARM_BIAS, ARM_GAIN, AdroitTask
from envs.task import FloatArray, IntArray, View
from envs.world import World

DAMPING = 0.02  # [m per m or rad]
POSTURE = 0.003  # weight of a joint's distance from rest relative to the task error
LEAST_INERTIA = 0.3  # [kg or kg m2]: the forearm's roll, 0.01, would yield to any disturbance
SOLVES = 3  # solutions of the normal equations per iteration; joints at a limit are dropped
TOUCH = 1e-9


@dataclass(frozen=True)
class _Joint:
    """One joint of the chain, in the frame of the joint before it."""

    is_slide: bool
    axis: FloatArray  # (3,)
    offset: FloatArray  # of its body, (3,) [m]
    rotation: FloatArray  # of its body at rest, (3, 3)


@dataclass
class Pose:
    """Poses and Jacobians of n palms.

    Attributes:
        position: Palm points, (n, 3) [m].
        rotation: Palm frames, (n, 3, 3).
        linear: Velocity of the points per joint velocity, (n, 3, joints).
        angular: Angular velocity of the frames per joint velocity, (n, 3, joints).
    """

    position: FloatArray
    rotation: FloatArray
    linear: FloatArray
    angular: FloatArray


class Arm:
    """The chain of arm and wrist joints from the world to the palm.

    Args:
        world: The world whose arms are controlled; its task is an Adroit task.
        stiffness: Natural frequency of the approach [rad/s].
    """

    def __init__(self, world: World, stiffness: float) -> None:
        task = world.task
        assert isinstance(task, AdroitTask)
        self.arm = task.arm_dofs
        self.joints = _chain(task)
        self.size = len(self.joints)
        model, names = task.model, task.action_names[: self.size]
        limits = np.array([model.joint(name).range for name in names])
        self.low, self.high = limits[:, 0], limits[:, 1]
        self.rest = np.clip(np.zeros(self.size), self.low, self.high)
        self.stiffness = stiffness
        self._inertia, self._bias, self._passive = (
            world.batch.bind(name) for name in ("M", "qfrc_bias", "qfrc_passive")
        )
        # MuJoCo stores the lower triangle row by row; the arm's joints come first in their tree.
        self._rows, self._columns = np.tril_indices(self.arm)
        self._places = model.M_rowadr[self._rows] + self._columns
        site = model.site(task.hand.palm)
        self.point = site.pos.copy()

    def pose(self, joints: FloatArray, point: FloatArray | None = None) -> Pose:
        """Return the pose of the palm at a point.

        Args:
            joints: Arm and wrist joints, (n, size).
            point: Point of the palm frame, (3,) or (n, 3) [m]; by default the grasp site.
        """
        n = len(joints)
        position, rotation = np.zeros((n, 3)), np.broadcast_to(np.eye(3), (n, 3, 3))
        anchors, axes = np.zeros((n, self.size, 3)), np.zeros((n, self.size, 3))
        for k, joint in enumerate(self.joints):
            position = position + rotation @ joint.offset
            rotation = rotation @ joint.rotation
            axis = rotation @ joint.axis
            anchors[:, k], axes[:, k] = position, axis
            if joint.is_slide:
                position = position + axis * joints[:, k, None]
            else:
                rotation = rotation @ _turn(joint.axis, joints[:, k])
        offset = self.point if point is None else point
        tip = position + np.einsum("nij,nj->ni", rotation, np.broadcast_to(offset, (n, 3)))
        slides = np.array([joint.is_slide for joint in self.joints])[:, None]
        linear = np.where(slides, axes, np.cross(axes, tip[:, None] - anchors))
        angular = np.where(slides, 0.0, axes)
        return Pose(tip, rotation, linear.transpose(0, 2, 1), angular.transpose(0, 2, 1))

    def solve(
        self,
        joints: FloatArray,
        target: FloatArray,
        directions: list[tuple[FloatArray, FloatArray, float]],
        point: FloatArray | None = None,
        iterations: int = 3,
    ) -> FloatArray:
        """Return joints that put a point at a target and align palm axes with world directions.

        Damped least squares from `joints`. A joint that would pass a limit is fixed there inside
        the solve, so that the others compensate.

        Args:
            joints: Initial joints, (n, size).
            target: World positions, (n, 3) [m].
            directions: For each axis: the axis in the palm frame and its desired world direction,
                each (n, 3) or (3,), and the weight of a unit of error [m].
            point: Point of the palm frame, as in `pose`.
            iterations: Number of Gauss-Newton iterations.
        """
        joints = np.clip(joints, self.low, self.high)
        for _ in range(iterations):
            pose = self.pose(joints, point)
            errors, rows = [target - pose.position], [pose.linear]
            for axis, direction, weight in directions:
                now = np.einsum("nij,nj->ni", pose.rotation, np.broadcast_to(axis, target.shape))
                errors.append(weight * (direction - now))
                rows.append(weight * np.cross(pose.angular, now[:, :, None], axis=1))
            joints = self._improve(joints, np.concatenate(errors, 1), np.concatenate(rows, 1))
        return joints

    def _improve(self, joints: FloatArray, error: FloatArray, rows: FloatArray) -> FloatArray:
        """Return joints after one Gauss-Newton step of `rows` (n, k, size) @ step = error."""
        turned = rows.transpose(0, 2, 1)
        square = turned @ rows + (DAMPING**2 + POSTURE**2) * np.eye(self.size)
        slope = (turned @ error[:, :, None])[:, :, 0] + POSTURE**2 * (self.rest - joints)
        low, high = self.low - joints, self.high - joints
        change = np.zeros_like(joints)
        is_free = np.ones(joints.shape, dtype=np.bool_)
        for _ in range(SOLVES):
            fixed = np.where(is_free, 0.0, change)
            left = np.where(is_free, slope - np.einsum("nij,nj->ni", square, fixed), fixed)
            both = is_free[:, :, None] & is_free[:, None, :]
            step = np.linalg.solve(np.where(both, square, np.eye(self.size)), left[:, :, None])
            change = np.clip(step[:, :, 0], low, high)
            is_free &= np.abs(change - step[:, :, 0]) < TOUCH
        return joints + change

    def command(
        self, rows: IntArray, view: View, goal: FloatArray, reach: float | FloatArray
    ) -> FloatArray:
        """Return the targets, (n, size), that move the joints to `goal`, (n, size).

        Args:
            rows: Rows of the world.
            view: View of those rows.
            goal: Arm and wrist joints.
            reach: Limit of the error used for control [m or rad], which limits the speed to
                stiffness * reach / 2.
        """
        arm, w = self.arm, self.stiffness
        now, speed = view.qpos[:, :arm], view.qvel[:, :arm]
        error = np.clip(goal[:, :arm] - now, -np.asarray(reach), np.asarray(reach))
        acceleration = w * w * error - 2.0 * w * speed
        inertia = np.zeros((len(rows), arm, arm))
        inertia[:, self._rows, self._columns] = self._inertia[rows][:, self._places]
        inertia[:, self._columns, self._rows] = self._inertia[rows][:, self._places]
        diagonal = np.arange(arm)
        inertia[:, diagonal, diagonal] = np.maximum(LEAST_INERTIA, inertia[:, diagonal, diagonal])
        torque = np.einsum("nij,nj->ni", inertia, acceleration)
        torque += self._bias[rows][:, :arm] - self._passive[rows][:, :arm]
        return np.concatenate([(torque + ARM_BIAS * now) / ARM_GAIN, goal[:, arm:]], axis=1)


def _chain(task: AdroitTask) -> list[_Joint]:
    """Return the joints from the world to the palm, in order."""
    model = task.model
    bodies, body = [], int(model.site_bodyid[task.hand.palm])
    while body > 0:
        bodies.append(body)
        body = int(model.body_parentid[body])
    joints = []
    for body in reversed(bodies):
        offset, rotation = model.body_pos[body].copy(), np.zeros(9)
        mujoco.mju_quat2Mat(rotation, model.body_quat[body])
        turn = rotation.reshape(3, 3)
        for k in range(model.body_jntnum[body]):
            joint = int(model.body_jntadr[body]) + k
            is_slide = int(model.jnt_type[joint]) == int(mujoco.mjtJoint.mjJNT_SLIDE)
            joints.append(_Joint(is_slide, model.jnt_axis[joint].copy(), offset, turn))
            offset, turn = np.zeros(3), np.eye(3)
    return joints


def _turn(axis: FloatArray, angle: FloatArray) -> FloatArray:
    """Return rotations about a unit axis, (n, 3, 3)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    turn: FloatArray = np.eye(3) + sine * cross + (1.0 - cosine) * (cross @ cross)
    return turn
