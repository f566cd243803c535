"""AdroitHammerWide: AdroitHammer with wider initial states of hammer and board."""

import numpy as np

from envs.adroit.hammer_task import AdroitHammer
from envs.task import Start

HAMMER_X_M = (-0.036, 0.036)  # along its handle, from its published position
BOARD_X_M, BOARD_Y_M, BOARD_Z_M = (0.02, 0.08), (-0.02, 0.014), (0.065, 0.31)
# At these heights and with y below 0, the board's nail would intersect the resting fingers.
FINGERS_Z_M = (0.12, 0.25)


class AdroitHammerWide(AdroitHammer):
    """AdroitHammer with wider initial states than the published ones.

    The published initial states differ only in the board's height: ten demonstrations cover them,
    and no policy performs worse than another. Here the hammer's position varies too, and the board
    is anywhere in a box.

    Actions, observations, success, failure and horizon: as in AdroitHammer.
    Initial state: the hand at rest; the hammer on the table, shifted along its handle by uniform
        ±3.6 cm from its published position; the board uniform in a box of 6 x 3.4 x 24.5 cm,
        excluding positions where the nail would intersect the resting fingers.
    Versions: v1, more hammer positions, and a wider and flatter box for the board; v0, initial
        version.
    """

    name = "AdroitHammerWide"
    version = 1
    description = "Drive a nail into a board with the Adroit hand; hammer and board vary in place."

    def index_scene(self) -> None:
        """Look up hammer, nail, board and the joint that slides the hammer on the table."""
        super().index_scene()
        self.slide_qpos = int(self.model.joint("OBJTx").qposadr[0])

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the positions of hammer and board."""
        start = super().draw_start(rng)
        start.qpos[self.slide_qpos] = rng.uniform(*HAMMER_X_M)
        while True:
            x, y, z = (rng.uniform(*limits) for limits in (BOARD_X_M, BOARD_Y_M, BOARD_Z_M))
            if y > 0.0 or not FINGERS_Z_M[0] < z < FINGERS_Z_M[1]:
                start.memory["board"] = np.array([x, y, z])
                return start
