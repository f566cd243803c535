"""InsertPeg on a described hand: take a peg by its handle and insert it into a hole."""

from envs.tasks.insert_peg import InsertPeg
from envs.tasks.on_hand.wrist import WristTaskOnHand


class InsertPegOnHand(WristTaskOnHand, InsertPeg):
    """Take a square peg by its handle and insert it into a hole that is 3 mm wider.

    Actions: 6 + k absolute position targets in [-1, 1]: wrist x, y, z [m], yaw, pitch, roll [rad],
        then the hand's k servos [rad], each scaled to its range.
    Observations: joint_position and joint_velocity of all joints, peg_position (3) [m, centre of
        its handle, world], peg_axes (6) [two columns of its rotation matrix], peg_offset (3) [m,
        handle minus palm], peg_tip_offset [m, fingertips minus handle], hole_offset (3) [m, centre
        of the hole's rim minus the peg's lower end].
    Initial state: the peg (20 x 20 x 50 mm below a cubic handle of 44 mm) hangs in a rack, yaw
        uniform in ±0.5 rad; the rack uniform in a 9 x 4 cm area on the left, the hole in an
        11 x 6 cm area on the right; the hand open in its pregrasp posture, its hold point about
        7 cm above the handle, with uniform jitter of ±2 cm.
    Success: the peg's lower end at least 25 mm below the hole's rim for 10 consecutive control
        steps (0.4 s), held or released. The hole is square, with sides along x and y, 48 mm deep,
        with 1.5 mm of clearance on each side; a bevel widens its top 3 mm by 3 mm on each side.
    Horizon: 200 control steps (8 s).
    """

    name = "InsertPeg"
    version = 0
