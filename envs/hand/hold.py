"""How a described hand holds an object, read from its pregrasp posture.

The thumb and the fingers opposed to it in the first two opposing pairs hold. In the pregrasp
posture the hold point is midway between the thumb's tip and the mean of the other tips, and the
hold's axis points from the one to the other. A wrist pitches the hand so that this axis is level.
"""

from dataclasses import dataclass
from functools import lru_cache

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.hand.description import Hand
from envs.hand.loading import load_hand
from envs.hand.reach import fingertips

OPPOSED = 2  # most fingers that hold against the thumb


@dataclass(frozen=True, eq=False)
class Hold:
    """Where a hand holds an object, in its palm frame.

    Attributes:
        thumb: Name of the finger on one side.
        others: Names of the k fingers on the other side.
        point: The hold point, (3,) [m].
        axes: The hold's axis, its left and its up direction as columns, (3, 3). Up is vertical
            and the axis is level while the hand is pitched and not rolled.
        aside: Offsets of the other tips to the left of the axis, (k,) [m].
        pitch: Pitch of the wrist at which the axis is level [rad].
        heading: Heading of the axis at this pitch and a yaw of 0 [rad].
    """

    thumb: str
    others: tuple[str, ...]
    point: FloatArray
    axes: FloatArray
    aside: FloatArray
    pitch: float
    heading: float

    def at_yaw(self, yaw: float) -> FloatArray:
        """Return the palm frame's axes as columns, (3, 3), while pitched and turned by `yaw`."""
        quat, matrix = np.zeros(4), np.zeros(9)
        mujoco.mju_euler2Quat(quat, [yaw, self.pitch, 0.0], "zyx")
        mujoco.mju_quat2Mat(matrix, quat)
        return matrix.reshape(3, 3)


@lru_cache(maxsize=16)
def hold_of(hand: Hand) -> Hold:
    """Return how a hand holds an object.

    Raises:
        ValueError: The hand cannot be loaded.
    """
    tips = dict(zip(hand.fingers, fingertips(hand, load_hand(hand).pregrasp), strict=True))
    thumb = hand.opposing[0][0]
    others = tuple(other for first, other in hand.opposing if first == thumb)[:OPPOSED]
    middle = np.mean([tips[finger] for finger in others], axis=0)
    axis = (middle - tips[thumb]) / np.linalg.norm(middle - tips[thumb])
    pitch = float(np.arctan2(axis[2], axis[0]))
    up = np.array([-np.sin(pitch), 0.0, np.cos(pitch)])
    left = np.cross(up, axis)
    return Hold(
        thumb=thumb,
        others=others,
        point=np.asarray((tips[thumb] + middle) / 2),
        axes=np.stack([axis, left, up], axis=1),
        aside=np.array([(tips[finger] - middle) @ left for finger in others]),
        pitch=pitch,
        heading=float(np.arctan2(axis[1], np.hypot(axis[0], axis[2]))),
    )
