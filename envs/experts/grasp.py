"""Grasps of cubes and balls for the wrist-mounted hand: finger postures and palm poses."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from envs.hand.hand import FINGER_Y_M
from envs.hand.kinematics import pressing_targets, solve_fingertips
from envs.rotations import turn
from envs.task import FloatArray

# Centre of a grasped cube in the palm frame [m].
GRASP_POINT_M = np.array([0.042, 0.010, -0.076])
TIP_RADIUS_M, THUMB_TIP_RADIUS_M = 0.0085, 0.009
SQUEEZE_M, OPENING_M = 0.012, 0.020
BALL_SQUEEZE_M, BALL_THUMB_UP_M, BALL_DOWN_M = 0.008, 0.006, 0.004
LEVEL_SQUEEZE_M, THUMB_UP_M, FINGERS_DOWN_M = 0.010, 0.013, 0.002
PRESS_N, THUMB_RISE_M = 3.0, 0.004
INITIAL_RAD = np.array([1.9, -1.0, 0.7, 0.9, -0.12, 0.8, 0.5, 0.0, 0.8, 0.5, 0.8, 0.5, 0.5, 0.3])


@dataclass(frozen=True)
class Grasp:
    """Finger postures that clear the object and squeeze it, each (14,) or (n, 14) [rad]."""

    open: FloatArray
    squeeze: FloatArray


def _posture(
    half_size_m: float,
    inset: float,
    initial: FloatArray,
    thumb_up: float = 0.0,
    fingers_down: float = 0.0,
) -> FloatArray:
    """Solve the posture whose tips are `inset` [m] inside opposite faces, (14,) [rad]."""
    reach = half_size_m - inset
    front = GRASP_POINT_M[0] + reach + TIP_RADIUS_M
    back = GRASP_POINT_M[0] - reach - THUMB_TIP_RADIUS_M
    _, y, z = GRASP_POINT_M
    low = z - fingers_down
    targets = {
        "thumb": np.array([back, y, z + thumb_up]),
        "index": np.array([front, y + 0.016, low]),
        "middle": np.array([front, y, low]),
        "ring": np.array([front, FINGER_Y_M["ring"], low]),
    }
    return solve_fingertips(targets, initial)[0]


@lru_cache(maxsize=8)
def cube_grasp(half_size_m: float) -> Grasp:
    """Solve the postures that hold a cube between the thumb and three fingers."""
    touch = _posture(half_size_m, 0.0, INITIAL_RAD)
    return Grasp(
        open=_posture(half_size_m, -OPENING_M, touch),
        squeeze=_posture(half_size_m, SQUEEZE_M, touch),
    )


@lru_cache(maxsize=8)
def level_grasp(half_size_m: float) -> Grasp:
    """Solve postures that hold a cube level; `cube_grasp` tilts it by about 17 degrees.

    Fingers blocked by the cube slide up its face and the thumb slides down. The targets of the
    squeeze compensate for this.
    """
    touch = _posture(half_size_m, 0.0, INITIAL_RAD)
    squeeze = _posture(half_size_m, LEVEL_SQUEEZE_M, touch, THUMB_UP_M, FINGERS_DOWN_M)
    return Grasp(open=_posture(half_size_m, -OPENING_M, touch), squeeze=squeeze)


def _ball_posture(
    radius_m: float, inset: float, initial: FloatArray, thumb_up: float, fingers_down: float
) -> FloatArray:
    """Solve the posture whose tips are `inset` [m] inside a ball, (14,) [rad]."""
    centre = GRASP_POINT_M
    reach = radius_m - inset
    sides = {"index": 0.016, "middle": 0.0, "ring": FINGER_Y_M["ring"] - centre[1]}
    targets = {"thumb": centre + np.array([-reach - THUMB_TIP_RADIUS_M, 0.0, thumb_up])}
    for finger, side in sides.items():
        front = np.sqrt((reach + TIP_RADIUS_M) ** 2 - side**2)
        targets[finger] = centre + np.array([front, side, -fingers_down])
    return solve_fingertips(targets, initial)[0]


@lru_cache(maxsize=2)
def ball_grasps(radii_m: tuple[float, ...]) -> Grasp:
    """Solve postures that hold balls of k radii, each (k, 14) [rad]."""
    opened, squeeze = [], []
    for radius in radii_m:
        touch = _ball_posture(radius, 0.0, INITIAL_RAD, 0.0, 0.0)
        opened.append(_ball_posture(radius, -OPENING_M, touch, 0.0, 0.0))
        squeeze.append(_ball_posture(radius, BALL_SQUEEZE_M, touch, BALL_THUMB_UP_M, BALL_DOWN_M))
    return Grasp(open=np.stack(opened), squeeze=np.stack(squeeze))


@lru_cache(maxsize=8)
def pressed_grasp(half_size_m: float) -> Grasp:
    """Solve the postures of a grasp that does not tilt an object with a small base.

    The squeeze of `cube_grasp` turns the cube by about 0.25 rad, because targets inside the cube do
    not control the direction of the force. Here all four fingertips press along x, and the thumb is
    higher by the amount that its tip rolls down.
    """
    touch = _posture(half_size_m, 0.0, INITIAL_RAD, THUMB_RISE_M)
    pull = np.array([-PRESS_N, 0.0, 0.0])
    forces = {"thumb": -3.0 * pull, "index": pull, "middle": pull, "ring": pull}
    opened = _posture(half_size_m, -OPENING_M, touch, THUMB_RISE_M)
    return Grasp(opened, pressing_targets(touch, forces))


def palm_over(point: FloatArray, yaw: FloatArray) -> FloatArray:
    """Return the palm positions (n, 3) that put the grasp point at `point` (n, 3), given yaw."""
    return point - turn(GRASP_POINT_M, yaw)


def grasped_point(palm: FloatArray, yaw: FloatArray) -> FloatArray:
    """Return the grasp points, (n, 3), of palms at `palm` (n, 3) with `yaw` (n,)."""
    return palm + turn(GRASP_POINT_M, yaw)
