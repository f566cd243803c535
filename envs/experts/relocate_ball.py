"""RelocateBall expert: grasp the ball with postures for its radius and carry it to the goal."""

import numpy as np

from envs.experts.carry import CarryExpert
from envs.experts.grasp import Grasp, ball_grasps
from envs.task import FloatArray, IntArray, View
from envs.tasks.relocate_ball import RADIUS_M, RelocateBall
from envs.world import World

GRID_M = tuple(np.linspace(*RADIUS_M, 5).tolist())


class RelocateBallExpert(CarryExpert):
    """Carry the ball to the goal. Random per episode: the speed."""

    task: RelocateBall

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.table = ball_grasps(GRID_M)

    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the ball's centre and heading 0, so that the hand stays straight."""
        del rows
        return self.task.achieved_goal(view), np.zeros(len(view))

    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return the goal point."""
        del rows
        return self.task.desired_goal(view)

    def postures(self, rows: IntArray, view: View) -> Grasp:
        """Return the postures interpolated at each ball's radius."""
        del rows
        place = (view.memory("radius") - GRID_M[0]) / (GRID_M[1] - GRID_M[0])
        index = np.clip(place[:, 0].astype(np.int64), 0, len(GRID_M) - 2)
        part = place - index[:, None]
        opened, squeeze = (
            (1.0 - part) * table[index] + part * table[index + 1]
            for table in (self.table.open, self.table.squeeze)
        )
        return Grasp(opened, squeeze)
