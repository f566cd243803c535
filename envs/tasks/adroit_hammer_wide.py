"""AdroitHammerWide: AdroitHammer with hammer and board in more places than were published."""

import numpy as np

from envs.task import Start
from envs.tasks.adroit_hammer import AdroitHammer

HAMMER_X_M = (-0.025, 0.015)  # along its handle, from where it was published
BOARD_X_M, BOARD_Y_M, BOARD_Z_M = (0.03, 0.07), (0.0, 0.015), (0.07, 0.3)


class AdroitHammerWide(AdroitHammer):
    """AdroitHammer from wider starts than the published ones.

    The published starts differ in the board's height alone: ten demonstrations show all there is
    to see, and no policy falls behind another. Here the hammer lies in other places, too, and the
    board stands anywhere in a box.

    Actions, observations, success, failure and horizon: those of AdroitHammer.
    Start: the hand at rest; the hammer on the table, moved along its handle by uniform -2.5 to 1.5
        cm from its published place; the board uniform in a box of 4 x 1.5 x 23 cm.
    Versions: 0, first.
    """

    name = "AdroitHammerWide"
    description = "Drive a nail into a board with the Adroit hand; hammer and board vary in place."

    def index_scene(self) -> None:
        """Look up the joint along which the hammer slides on the table, too."""
        super().index_scene()
        self.slide_qpos = int(self.model.joint("OBJTx").qposadr[0])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the hammer's and the board's place."""
        start = super().draw_start(rng)
        start.qpos[self.slide_qpos] = rng.uniform(*HAMMER_X_M)
        box = (BOARD_X_M, BOARD_Y_M, BOARD_Z_M)
        start.memory["board"] = np.array([rng.uniform(*limits) for limits in box])
        return start
