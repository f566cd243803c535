"""LiftCube on a described hand: grasp a cube on the table and hold it at a goal point."""

from envs.tasks.lift_cube import LiftCube
from envs.tasks.on_hand.wrist import WristTaskOnHand


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
