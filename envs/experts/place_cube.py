"""PlaceCube expert: carry the cube to the pad and put it down."""

from envs.experts.put_down import PutDownExpert
from envs.rotations import yaw_of
from envs.task import FloatArray, IntArray, View
from envs.tasks.cube_parts import tip_clearance
from envs.tasks.place_cube import PlaceCube


class PlaceCubeExpert(PutDownExpert):
    """Put the cube on the pad. Random per episode: the speed."""

    task: PlaceCube

    def cube_pose(self, rows: IntArray, view: View) -> tuple[FloatArray, FloatArray]:
        """Return the cube's pose."""
        del rows
        address = self.task.cube_qpos
        return view.qpos[:, address : address + 3], yaw_of(view.qpos[:, address + 3 : address + 7])

    def place(self, rows: IntArray, view: View) -> FloatArray:
        """Return the goal position of the cube's centre."""
        del rows
        return self.task.desired_goal(view)

    def clearance(self, view: View) -> FloatArray:
        """Return the gap between the cube and the nearest fingertip."""
        return tip_clearance(self.task, view, self.task.cube_site)
