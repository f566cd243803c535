"""InsertPeg on a described hand: take a peg by its handle and insert it into a hole."""

import mujoco

from envs.tasks.insert_peg import InsertPeg
from envs.tasks.on_hand.wrist import WristTaskOnHand

PEG_ARMATURE = 1e-4  # [kg m^2], about as much as the peg's own moments of inertia


class InsertPegOnHand(WristTaskOnHand, InsertPeg):
    """Take a square peg by its handle and insert it into a hole that is 3 mm wider.

    As InsertPeg of the fmbench hand, but the peg has 1e-4 kg m^2 more inertia against turns:
    without it 2 of 3,000 episodes of random actions diverged, in which Allegro hit it in its rack.

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

    def build_scene(self) -> mujoco.MjSpec:
        """Return the scene of the fmbench hand's task with this hand, and a peg of more inertia."""
        spec = super().build_scene()
        spec.joint("peg").armature = PEG_ARMATURE
        return spec
