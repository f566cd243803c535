"""Give the experts of the wrist-mounted hand one way to grasp a cube: postures and palm poses."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from envs.hand import FINGER_Y_M
from envs.kinematics import pressing_targets, solve_fingertips
from envs.rotations import turn
from envs.task import FloatArray

# Where a grasped cube's centre lies in the palm frame [m].
GRASP_POINT_M = np.array([0.042, 0.010, -0.076])
TIP_RADIUS_M, THUMB_TIP_RADIUS_M = 0.0085, 0.009
SQUEEZE_M, OPENING_M = 0.012, 0.020
PRESS_N, THUMB_RISE_M = 3.0, 0.004
INITIAL_RAD = np.array([1.9, -1.0, 0.7, 0.9, -0.12, 0.8, 0.5, 0.0, 0.8, 0.5, 0.8, 0.5, 0.5, 0.3])


@dataclass(frozen=True)
class CubeGrasp:
    """Finger postures of a cube grasp, each (14,) [rad]: clear of the faces, and squeezing them."""

    open: FloatArray
    squeeze: FloatArray


def _touching(half_size_m: float, initial: FloatArray, thumb_rise_m: float = 0.0) -> FloatArray:
    """Solve the posture, (14,) [rad], that touches a cube at the grasp point on two faces."""
    front = GRASP_POINT_M[0] + half_size_m + TIP_RADIUS_M
    back = GRASP_POINT_M[0] - half_size_m - THUMB_TIP_RADIUS_M
    _, y, z = GRASP_POINT_M
    targets = {
        "thumb": np.array([back, y, z + thumb_rise_m]),
        "index": np.array([front, y + 0.016, z]),
        "middle": np.array([front, y, z]),
        "ring": np.array([front, FINGER_Y_M["ring"], z]),
    }
    return solve_fingertips(targets, initial)[0]


@lru_cache(maxsize=8)
def cube_grasp(half_size_m: float) -> CubeGrasp:
    """Solve the postures that hold a cube between the thumb and three fingers."""
    touch = _touching(half_size_m, INITIAL_RAD)
    opened = _touching(half_size_m + OPENING_M, touch)
    return CubeGrasp(opened, _touching(half_size_m - SQUEEZE_M, touch))


@lru_cache(maxsize=8)
def level_grasp(half_size_m: float) -> CubeGrasp:
    """Solve the postures of a grasp that does not tilt a cube which stands on little.

    The squeeze of `cube_grasp` turns the cube by about 0.25 rad, because deeper targets press
    along no chosen direction. Here all four fingertips press along x, and the thumb sits higher
    by what its tip rolls down.
    """
    touch = _touching(half_size_m, INITIAL_RAD, THUMB_RISE_M)
    pull = np.array([-PRESS_N, 0.0, 0.0])
    forces = {"thumb": -3.0 * pull, "index": pull, "middle": pull, "ring": pull}
    opened = _touching(half_size_m + OPENING_M, touch, THUMB_RISE_M)
    return CubeGrasp(opened, pressing_targets(touch, forces))


def palm_over(point: FloatArray, yaw: FloatArray) -> FloatArray:
    """Return the palm positions (n, 3) that put the grasp point at `point` (n, 3), given yaw."""
    return point - turn(GRASP_POINT_M, yaw)


def grasped_point(palm: FloatArray, yaw: FloatArray) -> FloatArray:
    """Return where the grasp point is, (n, 3), for palms at `palm` (n, 3) with `yaw` (n,)."""
    return palm + turn(GRASP_POINT_M, yaw)
