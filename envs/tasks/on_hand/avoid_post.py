"""AvoidPost on a described hand: carry a cube past a post to a goal, without touching the post."""

from envs.tasks.avoid_post import AvoidPost
from envs.tasks.on_hand.wrist import WristTaskOnHand


class AvoidPostOnHand(WristTaskOnHand, AvoidPost):
    """Carry a cube past a post, on either side; touching the post is a failure.

    As AvoidPost of the fmbench hand. A wider hand swerves earlier, so that the time in which the
    side is open is shorter.

    Actions: 6 + k absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the hand's k servos [rad], each scaled to its range.
    Observations: joint_position and joint_velocity of all joints, cube_position (3) [m, world],
        cube_axes (6) [two columns of its rotation matrix], cube_offset (3) [m, cube minus palm],
        cube_tip_offset [m, tips minus cube], post_offset (2) [m, the post's axis minus the palm],
        goal_offset (3) [m, goal minus cube].
    Initial state: the cube of 5 cm on the table, uniform in a 4 x 10 cm area 21-25 cm before the
        post, yaw uniform in ±0.6 rad; the goal 19-20 cm behind the post, within 5 mm of the centre
        line and 14-16 cm above the table; the hand open in its pregrasp posture, its hold point
        about 12 cm above the cube's area, with uniform jitter of ±2 cm.
    Success: the cube's centre within 3 cm of the goal for 10 consecutive control steps (0.4 s), and
        the post never touched.
    Failure: the hand or the cube touched the post at any substep; this ends the episode.
    Modes: left, right: the side (+y, -y) on which the cube's centre passed the post's axis.
    Horizon: 150 control steps (6 s).
    """

    name = "AvoidPost"
    version = 0
