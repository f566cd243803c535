"""RelocateBall on a described hand: hold a ball of varying size at a goal point."""

from envs.tasks.on_hand.wrist import WristTaskOnHand
from envs.tasks.relocate_ball import RelocateBall


class RelocateBallOnHand(WristTaskOnHand, RelocateBall):
    """Grasp a ball, carry it to a goal point and hold it there.

    Actions: 6 + k absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the hand's k servos [rad], each scaled to its range.
    Observations: joint_position and joint_velocity of all joints, ball_position (3) [m, world],
        ball_velocity (3) [m/s], ball_offset (3) [m, ball minus palm], ball_tip_offset [m, tips
        minus ball], ball_radius (1) [m], goal_offset (3) [m, goal minus ball].
    Initial state: the ball's radius uniform in 2-4 cm, its mass always 60 g; the ball at rest on
        the table, uniform in a 16 x 22 cm area; the hand open in its pregrasp posture, its hold
        point about 12 cm above the middle, with uniform jitter of ±2 cm; the goal uniform in a
        22 x 28 x 15 cm box in the air.
    Goal: position of the ball's centre, (3,) [m, world].
    Success: the ball's centre within 3 cm of the goal for 10 consecutive control steps (0.4 s).
    Horizon: 150 control steps (6 s).
    """

    name = "RelocateBall"
    version = 0
