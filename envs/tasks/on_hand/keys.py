"""Keys under the fingertips of a described hand: where they are, and at which heights.

Each finger has a key under its tip in the neutral posture, `BELOW_TIP_M` below the tip's surface.
Keys of fingers other than the thumb are `BACK_M` nearer to the palm, so that the finger can still
stretch downwards. The palm is as high as it must be for the lowest key to stand on the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.hand.description import Hand
from envs.hand.loading import load_hand
from envs.hand.reach import fingertips, pressing_targets, solve_fingertips
from envs.tasks.key_parts import KEY_TOP_M, add_key

BELOW_TIP_M = 0.006
BACK_M = 0.020
KEY_INERTIA_KG = 0.02  # a contact is as stiff as the inertia behind it: a key of 10 g gives way
KEY_DAMPING = 3.0  # N s/m; with this inertia less of it lets a key swing past its trigger
KEY_WITHIN_M = 0.002  # of the posture over a key from the point over it


@dataclass(frozen=True)
class KeyPlaces:
    """Places of the keys.

    Attributes:
        palm_height: Height of the palm above the table [m].
        tops: Centre of each resting key's top, (fingers, 3) [m, world], in the order of the hand.
    """

    palm_height: float
    tops: FloatArray


@lru_cache(maxsize=16)
def key_places(hand: Hand) -> KeyPlaces:
    """Return where the keys of a hand are."""
    tips = fingertips(hand, load_hand(hand).neutral)
    radii = np.array([tip.radius_m for tip in hand.fingers.values()])
    tops = tips - np.array([0.0, 0.0, 1.0]) * (radii + BELOW_TIP_M)[:, None]
    tops[1:, 0] -= BACK_M
    palm_height = KEY_TOP_M - float(tops[:, 2].min())
    return KeyPlaces(palm_height, tops + np.array([0.0, 0.0, palm_height]))


def add_finger_key(
    scene: mujoco.MjSpec, parent: mujoco.MjsBody, name: str, top: FloatArray, travel_m: float
) -> None:
    """Add a key whose resting top is at `top`, (3,) [m], in the frame of `parent`.

    In contact with it the key's own firm contact counts: models of hands have softer and harder
    ones.
    """
    stand = parent.add_body(name=f"{name}_stand", pos=[0.0, 0.0, float(top[2]) - KEY_TOP_M])
    add_key(stand, name, float(top[0]), float(top[1]), travel_m)
    scene.geom(name).priority = 1
    scene.joint(name).armature = KEY_INERTIA_KG
    scene.joint(name).damping = [KEY_DAMPING, 0.0, 0.0]  # linear, quadratic, cubic


def key_posture(
    hand: Hand,
    initial: FloatArray,
    over: Mapping[str, FloatArray],
    height_m: float,
    force_n: float = 0.0,
) -> FloatArray:
    """Return the position targets with fingertips over their keys, (act_dim,) [rad].

    Args:
        hand: The hand.
        initial: Posture to start from; fingers without a key keep it.
        over: The key's top of each finger, (3,) [m], palm frame.
        height_m: Height of the tips' surfaces over the keys' tops [m].
        force_n: Force with which each of them presses down [N].

    Raises:
        ValueError: A finger does not reach its key; the message has the distance that remains.
    """
    up = np.array([0.0, 0.0, 1.0])
    targets = {f: top + up * (hand.fingers[f].radius_m + height_m) for f, top in over.items()}
    posture, errors = solve_fingertips(hand, targets, initial)
    finger = max(errors, key=errors.__getitem__)
    if errors[finger] > KEY_WITHIN_M:
        raise ValueError(
            f"hand {hand.name} does not fit the keys: {finger} misses its own by "
            f"{1000 * errors[finger]:.1f} mm; keys lie under the tips of the neutral posture, "
            "so describe one from which they can move 2 cm up and down"
        )
    return pressing_targets(hand, posture, dict.fromkeys(over, -force_n * up))
