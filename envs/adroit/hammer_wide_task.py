"""AdroitHammerWide: AdroitHammer with hammer and board in more places than were published."""

import numpy as np

from envs.adroit.hammer_task import AdroitHammer
from envs.task import Start

HAMMER_X_M = (-0.036, 0.036)  # along its handle, from where it was published
BOARD_X_M, BOARD_Y_M, BOARD_Z_M = (0.02, 0.08), (-0.02, 0.014), (0.065, 0.31)
# The nail of a board at these heights is in the resting fingers if the board is nearer than y = 0.
FINGERS_Z_M = (0.12, 0.25)


class AdroitHammerWide(AdroitHammer):
    """AdroitHammer from wider starts than the published ones.

    The published starts differ in the board's height alone: ten demonstrations show all there is
    to see, and no policy falls behind another. Here the hammer lies in other places, too, and the
    board stands anywhere in a box.

    Actions, observations, success, failure and horizon: those of AdroitHammer.
    Start: the hand at rest; the hammer on the table, moved along its handle by uniform ±3.6 cm from
        its published place; the board uniform in a box of 6 x 3.4 x 24.5 cm without the part where
        the nail would be in the resting fingers.
    Versions: 1, the hammer in more places, the board's box wider and flatter; 0, first.
    """

    name = "AdroitHammerWide"
    version = 1
    description = "Drive a nail into a board with the Adroit hand; hammer and board vary in place."

    def index_scene(self) -> None:
        """Look up the joint along which the hammer slides on the table, too."""
        super().index_scene()
        self.slide_qpos = int(self.model.joint("OBJTx").qposadr[0])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the hammer's place and the board's."""
        start = super().draw_start(rng)
        start.qpos[self.slide_qpos] = rng.uniform(*HAMMER_X_M)
        while True:
            x, y, z = (rng.uniform(*limits) for limits in (BOARD_X_M, BOARD_Y_M, BOARD_Z_M))
            if y > 0.0 or not FINGERS_Z_M[0] < z < FINGERS_Z_M[1]:
                start.memory["board"] = np.array([x, y, z])
                return start
