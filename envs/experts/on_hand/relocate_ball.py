"""RelocateBall expert of a described hand: grasp the ball with postures for its radius."""

from envs.experts.on_hand.carry import CarryOnHandExpert
from envs.experts.on_hand.grasp import ball_grasps_of
from envs.experts.relocate_ball import GRID_M, RelocateBallExpert
from envs.tasks.on_hand.relocate_ball import RelocateBallOnHand
from envs.world import World


class RelocateBallOnHandExpert(CarryOnHandExpert, RelocateBallExpert):
    """Carry the ball to the goal. Random per episode: the speed."""

    task: RelocateBallOnHand

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.table = ball_grasps_of(self.task.described, GRID_M)
