"""LiftCube on a described hand: grasp a cube on the table and hold it at a goal point."""

import mujoco
import numpy as np

from envs.cameras import Camera
from envs.hand.loading import LoadedHand
from envs.scene import add_camera, add_cube, add_goal_marker
from envs.task import RIGHT_FRONT, Field, Start
from envs.tasks.cube_parts import CUBE_HALF_SIZE_M
from envs.tasks.lift_cube import REACH_TOLERANCE_M, LiftCube
from envs.tasks.on_hand.wrist import WristTaskOnHand, farther, make_firm, view_factor


class LiftCubeOnHand(WristTaskOnHand, LiftCube):
    """Grasp a cube, carry it to a goal point and hold it there.

    Actions: 6 + k absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the hand's k servos [rad], each scaled to its range.
    Observations: joint_position and joint_velocity of all joints, cube_position (3) [m, world],
        cube_axes (6) [two columns of its rotation matrix], cube_offset (3) [m, cube minus palm],
        cube_tip_offset [m, tips minus cube], goal_offset (3) [m, goal minus cube].
    Initial state: the cube of 5 cm on the table, uniform in a 14 x 16 cm area, yaw uniform in
        ±0.7 rad; the hand open in its pregrasp posture, its hold point about 12 cm above the
        middle, with uniform jitter of ±2 cm; the goal uniform in an 18 x 20 x 12 cm box in the air.
    Success: the cube's centre within 3 cm of the goal for 10 consecutive control steps (0.4 s).
    Horizon: 150 control steps (6 s).
    """

    name = "LiftCube"
    version = 0

    @classmethod
    def views(cls, loaded: LoadedHand) -> dict[str, Camera]:
        """Return a camera at right angles to the main one, as for the fmbench hand."""
        return {"right-front": farther(RIGHT_FRONT, loaded)}

    def build_scene(self) -> mujoco.MjSpec:
        """Return the hand on its wrist above a table with one cube."""
        spec = self.wrist_scene("lift_cube")
        add_cube(spec, "cube", CUBE_HALF_SIZE_M, (0.93, 0.45, 0.20, 1.0))
        make_firm(spec, "cube")
        add_goal_marker(spec, "goal", REACH_TOLERANCE_M)
        add_camera(spec, (0.02, 0.0, 0.13), 0.75 * view_factor(self.loaded))
        return spec

    def draw_start(self, rng: np.random.Generator) -> Start:
        """Draw the cube's pose, the hand's position and the goal."""
        return self.ready(super().draw_start(rng))

    def fields(self) -> tuple[Field, ...]:
        """Return the observation table."""
        return self.for_fingers(super().fields())
