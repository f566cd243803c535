"""Scenes with two wrist-mounted hands; the left hand is the mirror image of the right.

The mirror plane is y = 0. Joints keep their names, ranges and signs: the same 20 values put both
hands into mirrored poses, so a posture solved for the right hand also serves the left one.
`mirrored` maps world points into the mirror, where the left hand behaves as a right hand.
"""

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.hand.hand import SIDES
from envs.hand.scene import add_hand

# The hands collide with each other: left-hand geoms have this bit in contype, right-hand geoms in
# conaffinity.
LEFT_BIT = 8


def add_two_hands(spec: mujoco.MjSpec, position: tuple[float, float, float]) -> None:
    """Add both hands to a scene, every name prefixed by `right_` or `left_`.

    Args:
        spec: The scene under construction.
        position: Palm centre of the right hand [m], world frame, at zero wrist joints; y is
            negative, since both hands point along x and face the table.
    """
    for side in SIDES:
        hand = mujoco.MjSpec()
        hand.compiler.degree = False
        add_hand(hand, "wrist", position)
        for geom in hand.geoms:
            if side == "left" and geom.contype:
                geom.contype |= LEFT_BIT
            elif geom.contype:
                geom.conaffinity |= LEFT_BIT
        if side == "left":
            _mirror(hand)
        spec.attach(hand, prefix=f"{side}_", frame=spec.worldbody.add_frame())


def mirrored(points: FloatArray) -> FloatArray:
    """Return points or translations (..., 3) mirrored in the plane y = 0."""
    return np.asarray(points * np.array([1.0, -1.0, 1.0]))


def _mirror(hand: mujoco.MjSpec) -> None:
    """Mirror a hand made of boxes, spheres and capsules in the plane y = 0."""
    place, turn = np.array([1, -1, 1]), np.array([1, -1, 1, -1])
    for body in hand.bodies[1:]:
        body.pos, body.quat = body.pos * place, body.quat * turn
    for geom in hand.geoms:
        geom.pos = geom.pos * place
        geom.fromto = geom.fromto * np.tile(place, 2)  # defined for capsules only
    for site in hand.sites:
        site.pos = site.pos * place
    for joint in hand.joints:
        # A rotation axis is a pseudovector: its mirror image has the opposite sign.
        is_hinge = joint.type == mujoco.mjtJoint.mjJNT_HINGE
        joint.axis = joint.axis * (-place if is_hinge else place)
