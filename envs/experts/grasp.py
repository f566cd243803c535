"""Give the experts of the wrist-mounted hand one way to grasp a cube: postures and palm poses."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from envs.hand import FINGER_Y_M
from envs.kinematics import solve_fingertips
from envs.rotations import turn
from envs.task import FloatArray

# Where a grasped cube's centre lies in the palm frame [m].
GRASP_POINT_M = np.array([0.042, 0.010, -0.076])
TIP_RADIUS_M, THUMB_TIP_RADIUS_M = 0.0085, 0.009
SQUEEZE_M, OPENING_M = 0.012, 0.020
INITIAL_RAD = np.array([1.9, -1.0, 0.7, 0.9, -0.12, 0.8, 0.5, 0.0, 0.8, 0.5, 0.8, 0.5, 0.5, 0.3])


@dataclass(frozen=True)
class CubeGrasp:
    """Finger postures of a cube grasp, each (14,) [rad]: clear of the faces, and squeezing them."""

    open: FloatArray
    squeeze: FloatArray


@lru_cache(maxsize=8)
def cube_grasp(half_size_m: float) -> CubeGrasp:
    """Solve the postures that hold a cube between the thumb and three fingers."""

    def posture(inset: float, initial: FloatArray) -> FloatArray:
        reach = half_size_m - inset
        front = GRASP_POINT_M[0] + reach + TIP_RADIUS_M
        back = GRASP_POINT_M[0] - reach - THUMB_TIP_RADIUS_M
        _, y, z = GRASP_POINT_M
        targets = {
            "thumb": np.array([back, y, z]),
            "index": np.array([front, y + 0.016, z]),
            "middle": np.array([front, y, z]),
            "ring": np.array([front, FINGER_Y_M["ring"], z]),
        }
        return solve_fingertips(targets, initial)[0]

    touch = posture(0.0, INITIAL_RAD)
    return CubeGrasp(open=posture(-OPENING_M, touch), squeeze=posture(SQUEEZE_M, touch))


def palm_over(point: FloatArray, yaw: FloatArray) -> FloatArray:
    """Return the palm positions (n, 3) that put the grasp point at `point` (n, 3), given yaw."""
    return point - turn(GRASP_POINT_M, yaw)


def grasped_point(palm: FloatArray, yaw: FloatArray) -> FloatArray:
    """Return where the grasp point is, (n, 3), for palms at `palm` (n, 3) with `yaw` (n,)."""
    return palm + turn(GRASP_POINT_M, yaw)
