"""Show each of two hands what it has to do with a stick, the left one in the mirror."""

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


def sides(task: HandOver, view: View) -> tuple[Side, Side]:
    """Return what the right hand sees, and what the left hand sees in the mirror."""
    stick = view.site_position(task.object_site)
    along = view.site_matrix(task.object_site)[:, :, 1]
    found = []
    for k, hand in enumerate(task.hand.sides):
        own, axis = (mirrored(stick), mirrored(along)) if k else (stick, along)
        axis = axis * np.where(axis[:, 1] > 0.0, -1.0, 1.0)[:, None]  # to the hand's own side
        wrist = view.qpos[:, hand.qpos[:4]]
        heading = np.arctan2(axis[:, 0], -axis[:, 1])
        point = own + GRASP_M * axis
        found.append(Side(wrist[:, :3] + MOUNT_M, wrist[:, 3], own, point, heading))
    return found[0], found[1]


def funnel(side: Side) -> FloatArray:
    """Return where a palm shall be that comes down on the stick as it gets aligned, (n, 3)."""
    over = palm_over(side.point, side.heading)
    miss = distance(side.palm[:, :2], over[:, :2])
    over[:, 2] += np.clip(FUNNEL_SLOPE * (miss - 0.006), 0.0, HOVER_M)
    return over
