"""StackCubes expert: carry one cube over the other and put it down."""

from envs.experts.put_down import PutDownExpert
from envs.rotations import yaw_of
from envs.task import FloatArray, IntArray, View
from envs.tasks.stack_cubes import StackCubes


class StackCubesExpert(PutDownExpert):
    """Put the cube on the base. Random per episode: the speed."""

    task: StackCubes

    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the upper cube's pose."""
        del rows
        address = self.task.cube_qpos[0]
        return view.qpos[:, address : address + 3], yaw_of(view.qpos[:, address + 3 : address + 7])

    def place(self, rows: IntArray, view: View) -> FloatArray:
        """Return the goal position of the upper cube's centre."""
        del rows
        return self.task.place(view)

    def clearance(self, view: View) -> FloatArray:
        """Return the gap between either cube and the nearest fingertip."""
        return self.task.clearance(view)
