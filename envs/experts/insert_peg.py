"""InsertPeg expert: grasp the handle, lift, align the peg with the hole, lower it."""

import numpy as np

from envs.experts.base import Phase
from envs.experts.carry import CarryExpert, CarryPhase
from envs.experts.grasp import pressed_grasp
from envs.rotations import distance, quaternion_columns, yaw_of
from envs.task import FloatArray, IntArray, View
from envs.tasks.insert_peg import HANDLE_HALF_SIZE_M, RAIL_TOP_M, InsertPeg
from envs.world import World

OVER_M = 0.030  # height of the peg's lower end over the rim on the way to the hole
FREE_M = RAIL_TOP_M + 0.003  # height of the lower end above which the peg may move sideways
COLUMN_M = 0.030  # distance from the hole's axis within which it may move sideways at any height
FUNNEL_SLOPE, MISS_M = 8.0, 0.0025  # height per metre of misalignment above the second value
TILT_M_PER_RAD = 0.015  # misalignment equivalent to a tilt or a turn of the peg
INSIDE_M = 0.004  # depth below the rim at which the walls guide the lower end
BOTTOM_M = -0.036  # height of the inserted lower end over the rim
TILT_STEP_RAD = 0.06


class InsertPhase(Phase):
    """The phases of `CarryExpert` with a longer time-out for carrying."""

    APPROACH = CarryPhase.APPROACH, 60
    CLOSE = CarryPhase.CLOSE, 14
    CARRY = CarryPhase.CARRY, 120


class InsertPegExpert(CarryExpert):
    """Approach, close, carry. Random per episode: the speed."""

    phases = InsertPhase
    task: InsertPeg

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.grasp = pressed_grasp(HANDLE_HALF_SIZE_M)

    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the handle's pose."""
        del rows
        pose = view.qpos[:, self.task.peg_qpos : self.task.peg_qpos + 7]
        return pose[:, :3], yaw_of(pose[:, 3:])

    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return the handle's goal: its position plus the lower end's remaining displacement."""
        cube, yaw = self.cube_pose(rows, view)
        tip, rim = view.site_position(self.task.tip_site), self.task.rim(view)
        miss = distance(tip[:, :2], rim[:, :2])
        tilt = np.abs(self._tilt(view)).sum(axis=1) + np.abs(yaw)
        height = FUNNEL_SLOPE * (miss + TILT_M_PER_RAD * tilt - MISS_M)
        way = rim - tip
        is_inside = (way[:, 2] > INSIDE_M) & (miss < COLUMN_M)
        way[:, 2] += np.where((height > 0.0) & ~is_inside, np.minimum(height, OVER_M), BOTTOM_M)
        is_free = (tip[:, 2] > FREE_M) | (miss < COLUMN_M)
        way[:, :2] *= is_free[:, None]
        return cube + way

    def carry(self, rows: IntArray, view: View) -> FloatArray:
        """Carry as in the base class, and straighten the peg on the way."""
        command = super().carry(rows, view)
        joints = view.qpos[:, self.task.hand.qpos]
        speed = self.speed[rows, None]
        _, yaw = self.cube_pose(rows, view)
        turned = np.append(-yaw[:, None], self._tilt(view), axis=1)
        command[:, 3:6] = joints[:, 3:6] + np.clip(turned, -TILT_STEP_RAD, TILT_STEP_RAD) * speed
        return command

    def _tilt(self, view: View) -> FloatArray:
        """Return the pitch and the roll that would straighten the peg, (n, 2) [rad]."""
        columns = quaternion_columns(view.qpos[:, self.task.peg_qpos + 3 : self.task.peg_qpos + 7])
        axis = np.cross(columns[:, :3], columns[:, 3:])
        return np.stack([-axis[:, 0], axis[:, 1]], axis=1)
