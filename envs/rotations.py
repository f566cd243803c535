"""Rotations and distances: quaternions (w, x, y, z), yaw angles and frames, batched."""

import numpy as np

from envs.task import FloatArray


def yaw_quaternion(yaw: float) -> FloatArray:
    """Return the rotation by `yaw` [rad] about z as a quaternion wxyz, (4,)."""
    return np.array([np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)])


def quaternion_columns(quat_wxyz: FloatArray) -> FloatArray:
    """Return the first two columns of the rotation matrix, (n, 6): a continuous representation."""
    w, x, y, z = np.moveaxis(quat_wxyz, -1, 0)
    first = (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y))
    second = (2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x))
    return np.asarray(np.stack([*first, *second], axis=-1))


def yaw_of(quat_wxyz: FloatArray) -> FloatArray:
    """Return the heading of the body's x axis [rad], (n,)."""
    w, x, y, z = np.moveaxis(quat_wxyz, -1, 0)
    return np.asarray(np.arctan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z)))


def wrap(angle: FloatArray, period: float = 2 * np.pi) -> FloatArray:
    """Return `angle` [rad] in [-period / 2, period / 2)."""
    return (angle + period / 2) % period - period / 2


def turn(vectors: FloatArray, yaw: FloatArray) -> FloatArray:
    """Rotate vectors (n, 3) about z by `yaw` (n,) [rad]."""
    c, s = np.cos(yaw), np.sin(yaw)
    x, y, z = np.moveaxis(np.broadcast_to(vectors, (len(yaw), 3)), -1, 0)
    return np.stack([c * x - s * y, s * x + c * y, z], axis=-1)


def distance(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return Euclidean distances over the last axis."""
    return np.asarray(np.sqrt(np.sum((a - b) ** 2, axis=-1)))
