"""Names, dimensions and model indices of the fmbench hand.

Palm frame: x points along the extended fingers, y to the thumb's side, z out of the back of the
hand; the palm faces -z. Joint, actuator and site names are defined only here; indices are derived
from names. Dimensions and gains are our own choice, in the range of an adult hand.
"""

from dataclasses import dataclass
from typing import Literal

import mujoco
import numpy as np

OneHandMount = Literal["palm", "wrist"]
Mount = OneHandMount | Literal["two_wrists"]

SIDES = ("right", "left")  # name prefixes in a scene with two hands
FINGERS = ("thumb", "index", "middle", "ring", "little")
THUMB_JOINTS = ("thumb_opposition", "thumb_cmc", "thumb_mcp", "thumb_ip")
INDEX_JOINTS = ("index_abduction", "index_mcp", "index_pip")
MIDDLE_JOINTS = ("middle_abduction", "middle_mcp", "middle_pip")
RING_JOINTS = ("ring_mcp", "ring_pip")
LITTLE_JOINTS = ("little_mcp", "little_pip")
FINGER_JOINTS: dict[str, tuple[str, ...]] = dict(
    zip(
        FINGERS,
        (THUMB_JOINTS, INDEX_JOINTS, MIDDLE_JOINTS, RING_JOINTS, LITTLE_JOINTS),
        strict=True,
    )
)
HAND_JOINTS = tuple(name for joints in FINGER_JOINTS.values() for name in joints)
WRIST_JOINTS = ("wrist_x", "wrist_y", "wrist_z", "wrist_yaw", "wrist_pitch", "wrist_roll")
TIP_SITES = tuple(f"{finger}_tip" for finger in FINGERS)
PALM_BODY = "palm"
PALM_SITE = "palm_center"

DIP_COUPLING = 0.7  # DIP angle over PIP angle
LONG_PHALANGES_M = (0.043, 0.028, 0.022)
THUMB_PHALANGES_M = (0.042, 0.032, 0.024)
PALM_HALF_SIZE_M = (0.042, 0.040, 0.012)
CAPSULE_RADII_M = (0.0095, 0.009, 0.0085)
KNUCKLE_X_M = 0.042
FINGER_STIFFNESS_NM_PER_RAD = 3.0
FINGER_Y_M = {"index": 0.0305, "middle": 0.0102, "ring": -0.0102, "little": -0.0305}
FINGER_SCALE = {"index": 0.97, "middle": 1.0, "ring": 0.97, "little": 0.85}
THUMB_BASE_M = (-0.012, 0.036, -0.006)
THUMB_SPLAY_RAD = 0.87

JOINT_RANGE_RAD: dict[str, tuple[float, float]] = {
    "thumb_opposition": (0.0, 2.4),
    "thumb_cmc": (-1.2, 1.2),
    "thumb_mcp": (-0.2, 1.2),
    "thumb_ip": (-0.3, 1.4),
    "index_abduction": (-0.6, 0.6),
    "middle_abduction": (-0.6, 0.6),
    **{f"{finger}_mcp": (-0.2, 1.6) for finger in FINGER_Y_M},
    **{f"{finger}_pip": (0.0, 1.7) for finger in FINGER_Y_M},
}
WRIST_RANGE: dict[str, tuple[float, float]] = {  # [m] and [rad]
    "wrist_x": (-0.25, 0.25),
    "wrist_y": (-0.25, 0.25),
    "wrist_z": (0.0, 0.40),
    "wrist_yaw": (-1.6, 1.6),
    "wrist_pitch": (-0.8, 0.8),
    "wrist_roll": (-0.8, 0.8),
}
# Contact bits: objects collide with everything and the thumb also with the fingers. The links of
# neighbouring fingers, 2 mm apart at rest, do not collide.
OBJECT_BITS, HAND_BIT, THUMB_BIT = 2, 1, 4


@dataclass(frozen=True)
class HandIndex:
    """Indices of the named parts of the hand, or of both hands, in a compiled model.

    Attributes:
        qpos: Addresses of the actuated joints in `qpos`, (act_dim,), actuator order.
        dof: Addresses of the actuated joints in `qvel`, (act_dim,).
        tips: Site ids of the fingertips, (5,) in the order of `FINGERS`, or (10,), right first.
        palm: Site id of the palm centre, the right hand's if there are two.
        low: Lower control limits, (act_dim,) [rad or m].
        high: Upper control limits, (act_dim,) [rad or m].
        sides: The index of each hand in the order of `SIDES`, if there are two.
    """

    qpos: np.ndarray
    dof: np.ndarray
    tips: np.ndarray
    palm: int
    low: np.ndarray
    high: np.ndarray
    sides: tuple["HandIndex", ...] = ()


def actuated_joints(mount: Mount) -> tuple[str, ...]:
    """Return the names of the actuated joints, in actuator order (14, 20 or 40)."""
    if mount == "two_wrists":
        return tuple(f"{side}_{name}" for side in SIDES for name in actuated_joints("wrist"))
    return HAND_JOINTS if mount == "palm" else WRIST_JOINTS + HAND_JOINTS


def name_without_side(name: str) -> str:
    """Return the name that a part has in a scene with one hand."""
    side, _, rest = name.partition("_")
    return rest if side in SIDES else name


def index_hand(model: mujoco.MjModel, mount: Mount) -> HandIndex:
    """Derive the indices of the hand, or of both hands, in `model` from the names."""
    if mount != "two_wrists":
        return _index_one_hand(model, actuated_joints(mount), "")
    right, left = (
        _index_one_hand(model, tuple(f"{side}_{n}" for n in actuated_joints("wrist")), f"{side}_")
        for side in SIDES
    )
    return HandIndex(
        qpos=np.concatenate([right.qpos, left.qpos]),
        dof=np.concatenate([right.dof, left.dof]),
        tips=np.concatenate([right.tips, left.tips]),
        palm=right.palm,
        low=np.concatenate([right.low, left.low]),
        high=np.concatenate([right.high, left.high]),
        sides=(right, left),
    )


def _index_one_hand(model: mujoco.MjModel, names: tuple[str, ...], prefix: str) -> HandIndex:
    joints = [model.joint(name) for name in names]
    limits = np.array([model.actuator(name).ctrlrange for name in names])
    return HandIndex(
        qpos=np.array([int(joint.qposadr[0]) for joint in joints]),
        dof=np.array([int(joint.dofadr[0]) for joint in joints]),
        tips=np.array([int(model.site(prefix + name).id) for name in TIP_SITES]),
        palm=int(model.site(prefix + PALM_SITE).id),
        low=limits[:, 0].copy(),
        high=limits[:, 1].copy(),
    )
