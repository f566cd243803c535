"""Give the experts that press keys their postures: every finger over its key, or pressing it."""

from collections.abc import Mapping

import numpy as np

from envs.hand import CAPSULE_RADII_M
from envs.kinematics import solve_fingertips
from envs.task import FloatArray
from envs.tasks.key_parts import KEY_TOP_M

TIP_RADIUS_M = CAPSULE_RADII_M[2]
HOVER_M = 0.006  # tip surface over the resting key


def key_postures(
    keys: Mapping[str, tuple[float, float]], palm_height_m: float, press_m: float, rest: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Solve for the fingers over their keys.

    Args:
        keys: Where each named finger's key is, x and y in the palm frame [m].
        palm_height_m: Height of the palm centre above the table [m].
        press_m: How far the tips are led below the tops of the resting keys [m].
        rest: Posture to start from, (14,) [rad]; fingers without a key keep it.

    Returns:
        The posture in which all fingers hover, and the one in which all press, (14,) [rad] each.
    """

    def over(height: float, initial: FloatArray) -> FloatArray:
        z = KEY_TOP_M + TIP_RADIUS_M + height - palm_height_m
        targets = {finger: np.array([x, y, z]) for finger, (x, y) in keys.items()}
        return solve_fingertips(targets, initial)[0]

    hover = over(HOVER_M, rest)
    return hover, over(-press_m, hover)
