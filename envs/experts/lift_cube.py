"""LiftCube expert: carry the cube to the goal."""

from envs.experts.carry import CarryExpert
from envs.rotations import yaw_of
from envs.task import FloatArray, IntArray, View
from envs.tasks.lift_cube import LiftCube


class LiftCubeExpert(CarryExpert):
    """Carry the cube to the goal. Random per episode: the speed."""

    task: LiftCube

    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the cube's pose."""
        del rows
        address = self.task.cube_qpos
        return view.qpos[:, address : address + 3], yaw_of(view.qpos[:, address + 3 : address + 7])

    def goal(self, rows: IntArray, view: View) -> FloatArray:
        """Return the goal point."""
        del rows
        return view.memory("goal")
