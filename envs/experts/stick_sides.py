"""Grasp geometry of a stick for two hands; the left hand's is mirrored."""

from dataclasses import dataclass

import numpy as np

from envs.experts.carry import ALIGNED_M, ALIGNED_RAD, FUNNEL_SLOPE, HOVER_M
from envs.experts.grasp import grasped_point, palm_over
from envs.hand.two_hands import mirrored
from envs.rotations import distance
from envs.task import BoolArray, FloatArray, View
from envs.tasks.cube_parts import MOUNT_HEIGHT_M
from envs.tasks.hand_over import MOUNT_Y_M, HandOver

GRASP_M = 0.055  # from the stick's centre to where a hand holds it
MOUNT_M = np.array([0.0, -MOUNT_Y_M, MOUNT_HEIGHT_M])


@dataclass(frozen=True)
class Side:
    """Positions of one hand and the stick; for the left hand in the mirrored frame.

    Attributes:
        palm: Palm centre, (n, 3) [m].
        yaw: The hand's yaw, (n,) [rad].
        stick: The stick's centre, (n, 3) [m].
        point: Grasp point of the hand on the stick, (n, 3) [m].
        heading: The hand's yaw in the grasp, (n,) [rad].
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


def sides(task: HandOver, view: View) -> tuple[Side, Side]:
    """Return the right hand's side, and the left hand's side in the mirrored frame."""
    stick = view.site_position(task.object_site)
    along = view.site_matrix(task.object_site)[:, :, 1]
    both = []
    for k, hand in enumerate(task.hand.sides):
        centre, axis = (mirrored(stick), mirrored(along)) if k else (stick, along)
        axis = axis * np.where(axis[:, 1] > 0.0, -1.0, 1.0)[:, None]  # towards the hand's side
        wrist = view.qpos[:, hand.qpos[:4]]
        heading = np.arctan2(axis[:, 0], -axis[:, 1])
        point = centre + GRASP_M * axis
        both.append(Side(wrist[:, :3] + MOUNT_M, wrist[:, 3], centre, point, heading))
    return both[0], both[1]


def funnel(side: Side) -> FloatArray:
    """Return the palm's target, lower the better it is aligned with the stick, (n, 3) [m]."""
    over = palm_over(side.point, side.heading)
    miss = distance(side.palm[:, :2], over[:, :2])
    over[:, 2] += np.clip(FUNNEL_SLOPE * (miss - 0.006), 0.0, HOVER_M)
    return over
