"""TurnDial expert: finger gaiting until the dial is at its goal."""

from envs.experts.dial_gait import DialGait
from envs.task import FloatArray, IntArray, View
from envs.tasks.turn_dial import TurnDial


class TurnDialExpert(DialGait):
    """Turn the dial to its goal. Random per episode: the speed."""

    task: TurnDial

    def remaining(self, rows: IntArray, view: View) -> FloatArray:
        """Return the angle from the dial to its goal, (n,) [rad]."""
        del rows
        return self.task.remaining(view)
