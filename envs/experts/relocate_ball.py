"""RelocateBall's expert: grasp the ball with postures of its radius and carry it to the goal."""

import numpy as np

from envs.experts.base import step_towards
from envs.experts.carry import CarryExpert
from envs.experts.grasp import Grasp, ball_grasps
from envs.task import FloatArray, IntArray, View
from envs.tasks.relocate_ball import RADIUS_M, RelocateBall
from envs.world import World

GRID_M = tuple(np.linspace(*RADIUS_M, 5).tolist())
CLOSE_STEP_RAD = 0.20


class RelocateBallExpert(CarryExpert):
    """Carry the ball to the goal point."""

    task: RelocateBall

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.table = ball_grasps(GRID_M)

    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the ball's centre; a ball has no heading, so the hand stays straight."""
        del rows
        return self.task.achieved_goal(view), np.zeros(len(view))

    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return the goal point."""
        del rows
        return self.task.desired_goal(view)

    def postures(self, rows: IntArray, view: View) -> Grasp:
        """Interpolate the postures at each ball's radius."""
        del rows
        place = (view.memory("radius") - GRID_M[0]) / (GRID_M[1] - GRID_M[0])
        index = np.clip(place[:, 0].astype(np.int64), 0, len(GRID_M) - 2)
        part = place - index[:, None]
        opened, squeeze = (
            (1.0 - part) * table[index] + part * table[index + 1]
            for table in (self.table.open, self.table.squeeze)
        )
        return Grasp(opened, squeeze)

    def command(self, rows: IntArray, view: View, phase: IntArray) -> FloatArray:
        """Steer as the base does, but close gently."""
        command = super().command(rows, view, phase)
        fingers = view.qpos[:, self.task.hand.qpos[6:]]
        gentle = step_towards(fingers, command[:, 6:], CLOSE_STEP_RAD * self.speed[rows, None])
        command[:, 6:] = np.where((phase == 1)[:, None], gentle, command[:, 6:])
        return command
