"""LiftCube expert of a described hand: carry the cube to the goal."""

from envs.experts.lift_cube import LiftCubeExpert
from envs.experts.on_hand.carry import CarryOnHandExpert
from envs.tasks.on_hand.lift_cube import LiftCubeOnHand


class LiftCubeOnHandExpert(CarryOnHandExpert, LiftCubeExpert):
    """Carry the cube to the goal. Random per episode: the speed."""

    task: LiftCubeOnHand
