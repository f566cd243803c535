"""Checks that a hand's description and its model fit, each with one line that says what to do."""

import mujoco
import numpy as np

from envs.hand.description import MOUNTS, Finger, Hand
from envs.names import check_new_name, unknown

AXES = ("x", "y", "z", "-x", "-y", "-z")
NARROWEST_RAD = 0.1  # a hand none of whose joints turns further was read in the wrong unit
WIDEST_RAD = 7.0  # so was one with a hinge that turns beyond a full turn
_HINGE, _SLIDE = int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE)
_FREE = int(mujoco.mjtJoint.mjJNT_FREE)


def check_description(hand: Hand) -> None:
    """Check what can be checked without the model.

    Raises:
        ValueError: Something is missing or does not fit.
    """
    check_new_name("hand", hand.name)
    if len(hand.fingers) < 2:
        raise ValueError(
            f"its description has {len(hand.fingers)} fingertips; name the thumb and at least one "
            'more finger: fingers={"thumb": Finger(body, radius_m, tip_m), ...}'
        )
    for finger, tip in hand.fingers.items():
        _check_finger(finger, tip)
    sides = [axis[-1:] for axis in hand.axes]
    if not set(hand.axes) <= set(AXES) or sorted(sides) != ["x", "y", "z"] or _is_mirrored(hand):
        raise ValueError(
            f"axes {hand.axes} are not a right-handed frame; give the palm body's axes along the "
            'fingers, to the thumb and out of the back, e.g. ("z", "y", "-x")'
        )
    for pair in hand.opposing:
        for finger in pair:
            if finger not in hand.fingers:
                raise unknown("opposing finger", finger, hand.fingers)
    if not hand.opposing:
        raise ValueError('it names no opposing fingers; give e.g. opposing=(("thumb", "index"),)')
    for mount in hand.mounts:
        if mount not in MOUNTS:
            raise unknown("mount", mount, MOUNTS)


def check_spec(hand: Hand, spec: mujoco.MjSpec) -> None:
    """Check a parsed model: its root, and the bodies and sites that the description names.

    Raises:
        ValueError: Something is missing or does not fit.
    """
    roots = spec.worldbody.bodies
    if len(roots) != 1 or spec.worldbody.geoms:
        names = ", ".join(body.name or "(without a name)" for body in roots)
        raise ValueError(
            f"its model has {len(roots)} bodies ({names}) and {len(spec.worldbody.geoms)}"
            " geoms at its root; give the file of the hand alone, with one root body, not a scene"
        )
    if free := [joint for joint in roots[0].joints if int(joint.type) == _FREE]:
        raise ValueError(
            f"its root {roots[0].name} has a free joint {free[0].name}".rstrip()
            + "; remove it: a mount carries the hand"
        )
    bodies = [body.name for body in spec.bodies[1:]]
    tips = [(f"tip of {finger}", tip.body) for finger, tip in hand.fingers.items()]
    for kind, name in (("palm", hand.palm), *tips):
        if name not in bodies:
            raise unknown(f"body of the {kind}", name, bodies)
    sites = [site.name for site in spec.sites]
    for finger, tip in hand.fingers.items():
        if tip.site and tip.site not in sites:
            raise unknown(f"site of the tip of {finger}", tip.site, sites)
        if not tip.site and f"{finger}_tip" in sites:
            raise ValueError(
                f"its model has a site {finger}_tip already; name it in the description of "
                f'{finger}: site="{finger}_tip"'
            )


def check_model(hand: Hand, model: mujoco.MjModel) -> None:
    """Check a compiled model: servos, units and joints that nothing moves.

    Raises:
        ValueError: Something is missing or does not fit.
    """
    if model.nu == 0:
        raise ValueError(
            "its model has no actuators (a URDF never has); describe position servos, e.g. "
            'servos={"*": Servo(kp=3.0, kv=0.1)}, or add <position joint="..." kp="3"/> to it'
        )
    if other := [k for k in range(model.njnt) if int(model.jnt_type[k]) not in (_HINGE, _SLIDE)]:
        raise ValueError(f"joint {model.joint(other[0]).name} is neither a hinge nor a slide")
    _check_units(model)


def check_moved(model: mujoco.MjModel, moved: np.ndarray) -> None:
    """Check that a servo or a coupling moves every joint.

    Args:
        model: The compiled model.
        moved: Ids of the joints that something moves.

    Raises:
        ValueError: A joint is loose.
    """
    if loose := sorted(set(range(model.njnt)) - set(moved.tolist())):
        name = model.joint(loose[0]).name
        raise ValueError(
            f'nothing moves joint {name}; add <position joint="{name}" kp="..."/>, or couple it by '
            "<equality><joint/>"
        )


def _check_finger(finger: str, tip: Finger) -> None:
    if len(tip.tip_m) != 3 or not np.isfinite(tip.tip_m).all():
        raise ValueError(f"tip_m of {finger} is {tip.tip_m}; give three numbers [m]")
    if not (np.isfinite(tip.radius_m) and 0.0 < tip.radius_m < 0.1):
        raise ValueError(
            f"radius_m of {finger} is {tip.radius_m}; give the fingertip's radius in metres, e.g. "
            "0.01"
        )


def _check_units(model: mujoco.MjModel) -> None:
    hinges = (model.jnt_type == _HINGE) & model.jnt_limited.astype(bool)
    ranges = model.jnt_range[hinges]
    names = [model.joint(int(k)).name for k in np.flatnonzero(hinges)]
    if len(ranges) and (ranges[:, 1] - ranges[:, 0]).max() < NARROWEST_RAD:
        widest = float((ranges[:, 1] - ranges[:, 0]).max())
        raise ValueError(
            f"its widest joint turns by {widest:.3f} rad: its angles are in radians and were read "
            'in degrees; add <compiler angle="radian"/> to the model'
        )
    for name, limits in zip(names, ranges, strict=True):
        if np.abs(limits).max() > WIDEST_RAD:
            raise ValueError(
                f"joint {name} turns from {limits[0]:g} to {limits[1]:g} rad: its angles are in "
                'degrees and were read in radians; set <compiler angle="degree"/> in the model'
            )
    for k in np.flatnonzero(model.actuator_ctrllimited):
        limits = model.actuator_ctrlrange[k]
        if np.abs(limits).max() > WIDEST_RAD:
            raise ValueError(
                f"the control range of actuator {model.actuator(int(k)).name} is {limits[0]:g} to "
                f"{limits[1]:g}: MuJoCo reads control ranges in radians, whatever the compiler's "
                'angle is; convert it, or write inheritrange="1"'
            )


def _is_mirrored(hand: Hand) -> bool:
    order = [axis[-1] for axis in hand.axes]
    swaps = sum(order[i] > order[j] for i in range(3) for j in range(i + 1, 3))
    signs = sum(axis.startswith("-") for axis in hand.axes)
    return (swaps + signs) % 2 == 1
