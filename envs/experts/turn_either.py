"""TurnEither expert: draw a direction at random, and finger gaiting for half a turn."""

import numpy as np

from envs.experts.dial_gait import DialGait
from envs.task import FloatArray, IntArray, View
from envs.tasks.turn_either import TurnEither


class TurnEitherExpert(DialGait):
    """Turn the dial in the direction of the mode. Random per episode: the mode and the speed."""

    task: TurnEither
    strokes_rad = (0.35, 0.60)  # farther clockwise, the index finger's middle link rubs the knob
    place_step_rad = 0.3  # along the rim; on a straight path the thumb would drag the dial

    def remaining(self, rows: IntArray, view: View) -> FloatArray:
        """Return the remainder of half a turn in the mode's direction, (n,) [rad]."""
        way = np.where(self.mode[rows] == self.task.modes.index("clockwise"), -1.0, 1.0)
        return way * np.pi - self.task.turned(view)
