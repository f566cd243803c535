"""PlaceCube on a described hand: put a cube on a pad on the table, and release it."""

from envs.tasks.on_hand.wrist import WristTaskOnHand
from envs.tasks.place_cube import PlaceCube


class PlaceCubeOnHand(WristTaskOnHand, PlaceCube):
    """Grasp a cube, put it on a pad and release it.

    Actions: 6 + k absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the hand's k servos [rad], each scaled to its range.
    Observations: joint_position and joint_velocity of all joints, cube_position (3) [m, world],
        cube_axes (6) [two columns of its rotation matrix], cube_offset (3) [m, cube minus palm],
        cube_tip_offset [m, tips minus cube], cube_velocity (3) [m/s], goal_offset (3) [m, goal
        minus cube].
    Initial state: the cube of 5 cm on the table, uniform in a 20 x 24 cm area, yaw uniform in
        ±0.7 rad; the pad uniform in the same area, its centre at least 10 cm from the cube's; the
        hand open in its pregrasp posture, its hold point about 12 cm above the middle, with uniform
        jitter of ±2 cm.
    Goal: position of the cube's centre, (3,) [m, world]. The pad is visual only.
    Success: the cube's centre within 2 cm of the pad's horizontally, the cube flat on the table,
        slower than 3 cm/s, and the centre of every fingertip at least 1.9 cm from it, for 10
        consecutive control steps (0.4 s).
    Horizon: 150 control steps (6 s).
    """

    name = "PlaceCube"
    version = 0
