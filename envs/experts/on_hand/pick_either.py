"""PickEither expert of a described hand: draw a cube at random and lift it vertically."""

from envs.experts.on_hand.carry import CarryOnHandExpert
from envs.experts.pick_either import PickEitherExpert
from envs.tasks.on_hand.pick_either import PickEitherOnHand


class PickEitherOnHandExpert(CarryOnHandExpert, PickEitherExpert):
    """Lift the cube of the episode's mode. Random per episode: the mode and the speed."""

    task: PickEitherOnHand
