"""InsertPeg expert of a described hand: grasp the handle, align the peg with the hole, lower it."""

from envs.experts.insert_peg import InsertPegExpert
from envs.experts.on_hand.carry import CarryOnHandExpert
from envs.experts.on_hand.grasp import cube_grasp_of
from envs.task import FloatArray, IntArray, View
from envs.tasks.insert_peg import HANDLE_HALF_SIZE_M
from envs.tasks.on_hand.insert_peg import InsertPegOnHand
from envs.tasks.on_hand.wrist import WRIST
from envs.world import World


class InsertPegOnHandExpert(CarryOnHandExpert, InsertPegExpert):
    """Approach, close, carry. Random per episode: the speed."""

    task: InsertPegOnHand

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.grasp = cube_grasp_of(self.task.described, HANDLE_HALF_SIZE_M)

    def carry(self, rows: IntArray, view: View) -> FloatArray:
        """Carry as for the fmbench hand; the hand turns with the peg while it is straightened."""
        _, self.held_yaw[rows] = self._palm_pose(view)
        command = super().carry(rows, view)
        command[:, 3:WRIST] -= (self._brake_s * self.task.measured_velocity(view)[:, :WRIST])[:, 3:]
        return command
