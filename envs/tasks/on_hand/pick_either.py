"""PickEither on a described hand: lift one of two identical cubes, either of them."""

from envs.tasks.on_hand.wrist import WristTaskOnHand
from envs.tasks.pick_either import PickEither


class PickEitherOnHand(WristTaskOnHand, PickEither):
    """Lift either of two identical cubes and hold it up.

    As PickEither of the fmbench hand, with another hand.

    Actions: 6 + k absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the hand's k servos [rad], each scaled to its range.
    Observations: joint_position and joint_velocity of all joints, and for each of the left and the
        right cube: position (3) [m, world], axes (6) [two columns of its rotation matrix], offset
        (3) [m, cube minus palm], tip_offset [m, tips minus cube].
    Initial state: both cubes of 5 cm on the table, x uniform in 6 cm, y uniform 6-9 cm to the left
        and to the right, yaw uniform in ±0.5 rad; the hand open in its pregrasp posture, its hold
        point about 12 cm above the middle, with uniform jitter of ±2 cm.
    Success: either cube lifted by at least 8 cm for 10 consecutive control steps (0.4 s).
    Modes: left, right: the higher cube, once one is off the table.
    Horizon: 120 control steps (4.8 s).
    """

    name = "PickEither"
    version = 0
