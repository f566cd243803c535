"""PlaceCube expert of a described hand: carry the cube to the pad and put it down."""

import numpy as np

from envs.experts.on_hand.carry import CarryOnHandExpert
from envs.experts.place_cube import PlaceCubeExpert
from envs.rotations import quaternion_columns, turn
from envs.task import FloatArray, IntArray, View
from envs.tasks.on_hand.place_cube import PlaceCubeOnHand

UPRIGHT, STEP_RAD = 0.9, 0.06
LOOSEN_STEPS = 3
RELEASE_STEP_RAD = 0.06  # stiff fingers that open faster throw the cube


class PlaceCubeOnHandExpert(CarryOnHandExpert, PlaceCubeExpert):
    """Put the cube on the pad. Random per episode: the speed."""

    task: PlaceCubeOnHand

    def carry(self, rows: IntArray, view: View) -> FloatArray:
        """Carry as for the fmbench hand, and level the cube: a tilted one falls when let go."""
        command, measured = super().carry(rows, view), self.task.measured(view)
        address = self.task.cube_qpos
        columns = quaternion_columns(view.qpos[:, address + 3 : address + 7])
        up = turn(np.cross(columns[:, :3], columns[:, 3:]), -measured[:, 3])
        is_upright = (up[:, 2:] > UPRIGHT) * self.speed[rows, None]
        tilt = np.stack([-up[:, 0], up[:, 1]], axis=1)
        command[:, 4:6] = measured[:, 4:6] + is_upright * np.clip(tilt, -STEP_RAD, STEP_RAD)
        return command

    def release(self, rows: IntArray, view: View) -> FloatArray:
        """Open over the goal; hold still at first, so that the grip loosens."""
        command = self.slowed(rows, view, super().release(rows, view), RELEASE_STEP_RAD)
        share = np.minimum(self.phase_steps[rows, None] / LOOSEN_STEPS, 1.0)
        measured = self.task.measured(view)
        return np.asarray(measured + share * (command - measured))
