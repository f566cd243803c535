"""PickEither expert: draw a cube at random and lift it vertically."""

import numpy as np

from envs.experts.carry import CarryExpert
from envs.rotations import yaw_of
from envs.task import FloatArray, IntArray, View
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M
from envs.tasks.pick_either import LIFT_HEIGHT_M, PickEither

CLEARANCE_M = 0.03  # lift above the height that the task requires


class PickEitherExpert(CarryExpert):
    """Lift the cube of the episode's mode. Random per episode: the mode and the speed."""

    task: PickEither

    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the chosen cube's pose."""
        starts = np.array(self.task.cube_qpos)[self.mode[rows]]
        pose = np.take_along_axis(view.qpos, starts[:, None] + np.arange(7), axis=1)
        return pose[:, :3], yaw_of(pose[:, 3:])

    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return the point above the chosen cube."""
        goal = self.cube_pose(rows, view)[0].copy()
        goal[:, 2] = CUBE_HALF_SIZE_M + LIFT_HEIGHT_M + CLEARANCE_M
        return goal
