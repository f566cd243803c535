"""Parse a hand's model and add what its description says: fingertips and the palm frame."""

from dataclasses import dataclass
from functools import lru_cache

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.hand.checks import check_description, check_model, check_moved, check_spec
from envs.hand.controls import Controls, read_controls
from envs.hand.description import Hand
from envs.hand.postures import posture
from envs.hand.servos import add_servos

PALM_FRAME = "palm_frame"  # a site at the palm's origin, its axes those of the palm frame


@dataclass(frozen=True, eq=False)
class LoadedHand:
    """A hand's own model, alone, with the indices of its named parts.

    Attributes:
        hand: Its description.
        model: The model, fingertip sites and palm frame included.
        controls: Its servos and joints, in the order of its actuators.
        names: Names of the actuators, (act_dim,).
        palm: Id of the palm frame's site.
        tips: Site ids of the fingertips, in the order of `hand.fingers`.
        columns: The actuators of each finger, those that move joints between palm and tip.
        neutral: Targets of the neutral posture, (act_dim,) [rad].
        pregrasp: Targets of the posture before a grasp, (act_dim,) [rad].
    """

    hand: Hand
    model: mujoco.MjModel
    controls: Controls
    names: tuple[str, ...]
    palm: int
    tips: tuple[int, ...]
    columns: dict[str, np.ndarray]
    neutral: FloatArray
    pregrasp: FloatArray


def tip_site(hand: Hand, finger: str) -> str:
    """Return the name of a fingertip's site in the hand's model."""
    return hand.fingers[finger].site or f"{finger}_tip"


def hand_spec(hand: Hand) -> mujoco.MjSpec:
    """Return a hand's model with fingertip sites and the palm frame, to be attached or compiled.

    Raises:
        ValueError: The model is missing, damaged, or does not fit the description; the message
            states what to do.
    """
    try:
        check_description(hand)
        spec = hand.source.spec()
        spec.compiler.fusestatic = False  # a URDF's palm would become a part of the world
        check_spec(hand, spec)
        add_servos(spec, hand)
    except ValueError as error:
        raise ValueError(f"hand {hand.name}: {error}") from error
    for finger, tip in hand.fingers.items():
        if not tip.site:
            spec.body(tip.body).add_site(
                name=tip_site(hand, finger), pos=tip.tip_m, size=[0.004, 0, 0], group=4
            )
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.stack([_axis(name) for name in hand.axes], axis=1).ravel())
    spec.body(hand.palm).add_site(name=PALM_FRAME, quat=quat, size=[0.003, 0, 0], group=4)
    return spec


@lru_cache(maxsize=16)
def load_hand(hand: Hand) -> LoadedHand:
    """Load and check a hand's own model, once per process.

    Raises:
        ValueError: As `hand_spec`.
    """
    spec = hand_spec(hand)
    try:
        model = _compiled(spec)
        check_model(hand, model)
        controls = read_controls(model, range(model.nu))
        check_moved(model, controls.joints)
        names = tuple(model.actuator(k).name for k in range(model.nu))
        columns = {finger: _columns(hand, model, controls, finger) for finger in hand.fingers}
        if idle := [finger for finger, column in columns.items() if not len(column)]:
            raise ValueError(
                f"no servo moves finger {idle[0]}: there is none between body "
                f"{hand.fingers[idle[0]].body} and the palm {hand.palm}"
            )
        neutral = posture("neutral", hand.neutral, names, controls)
        pregrasp = posture("pregrasp", hand.pregrasp, names, controls)
    except ValueError as error:
        raise ValueError(f"hand {hand.name}: {error}") from error
    return LoadedHand(
        hand=hand,
        model=model,
        controls=controls,
        names=names,
        palm=int(model.site(PALM_FRAME).id),
        tips=tuple(int(model.site(tip_site(hand, finger)).id) for finger in hand.fingers),
        columns=columns,
        neutral=neutral,
        pregrasp=pregrasp,
    )


def _compiled(spec: mujoco.MjSpec) -> mujoco.MjModel:
    try:
        return spec.compile()
    except ValueError as error:
        text = " ".join(str(error).split())
        raise ValueError(
            f"its model cannot be compiled: {text}; correct or copy it again"
        ) from None


def _columns(hand: Hand, model: mujoco.MjModel, controls: Controls, finger: str) -> np.ndarray:
    """Return the actuators that move joints between a fingertip's body and the palm."""
    palm, body = int(model.body(hand.palm).id), int(model.body(hand.fingers[finger].body).id)
    chain = []
    while body not in (0, palm):
        chain.append(body)
        body = int(model.body_parentid[body])
    is_in_finger = np.isin(model.jnt_bodyid[controls.joints], chain)
    return np.flatnonzero(controls.lengths[:, is_in_finger].any(axis=1))


def _axis(name: str) -> FloatArray:
    """Return the unit vector of "x", "-x", ..., (3,)."""
    vector = np.zeros(3)
    vector["xyz".index(name[-1])] = -1.0 if name.startswith("-") else 1.0
    return vector
