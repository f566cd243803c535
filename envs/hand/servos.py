"""Add the servos of a description to a model that has none."""

from fnmatch import fnmatchcase

import mujoco

from envs.hand.description import Hand
from envs.names import unknown


def add_servos(spec: mujoco.MjSpec, hand: Hand) -> None:
    """Add a position servo to every joint that the description names, in the model's order.

    A servo has the name and the range of its joint. Where several patterns fit, the last counts.

    Raises:
        ValueError: The model has servos of its own, a pattern fits no joint, or a joint has no
            range.
    """
    if hand.servos and spec.actuators:
        raise ValueError(
            f"its model has {len(spec.actuators)} actuators; leave servos out of its description"
        )
    names = [joint.name for joint in spec.joints]
    for pattern in hand.servos:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise unknown("joint of the servos", pattern, names)
    for joint in spec.joints:
        fitting = [pattern for pattern in hand.servos if fnmatchcase(joint.name, pattern)]
        if not fitting:
            continue
        low, high = joint.range
        if not low < high:
            raise ValueError(f"joint {joint.name} has no range; give it one in the model")
        servo = hand.servos[fitting[-1]]
        actuator = spec.add_actuator(
            name=joint.name,
            target=joint.name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            ctrlrange=[low, high],
            ctrllimited=True,
        )
        actuator.set_to_position(kp=servo.kp, kv=servo.kv)
        if servo.limit > 0.0:
            actuator.forcerange, actuator.forcelimited = [-servo.limit, servo.limit], True
