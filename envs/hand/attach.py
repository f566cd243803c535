"""Put a described hand into a scene, on one of its mounts."""

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.hand.description import Hand, HandMount
from envs.hand.loading import hand_spec, load_hand
from envs.hand.scene import _add_wrist as add_wrist  # a new name would be new keys of data
from envs.names import unknown

PREFIX = "hand_"
MOST_IMPRATIO = 10.0
"""Of contacts. With LEAP's own 100 an episode of random actions in which it jammed diverged."""
PALM_UP_WXYZ = (0.0, 1.0, 0.0, 0.0)  # half a turn about the fingers


def add_described_hand(
    scene: mujoco.MjSpec,
    hand: Hand,
    mount: HandMount,
    position: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    """Add a hand to a scene; the names of its parts begin with `hand_`.

    The scene takes over the contact options of the hand's model (cone, and impratio up to
    `MOST_IMPRATIO`): contacts of its fingers were tuned with them, and MuJoCo would keep those of
    the scene. All other options are the scene's. As with the fmbench hand, MuJoCo compensates the
    weight of the hand.

    Args:
        scene: The scene under construction.
        hand: The hand.
        mount: `"palm_down"` and `"palm_up"` fix its root so that, in the neutral posture, the palm
            frame is at `position`, with the world's axes or turned by half a turn about x.
            `"wrist"` puts it, palm down, on the six actuated joints of the fmbench hand's wrist.
        position: Origin of the palm frame [m], world frame.

    Raises:
        ValueError: The hand cannot be loaded, or is not made for the mount.
    """
    if mount not in hand.mounts:
        raise unknown(f"mount of hand {hand.name}", mount, hand.mounts)
    spec = hand_spec(hand)
    for body in spec.bodies[1:]:
        body.gravcomp = 1
    quat = PALM_UP_WXYZ if mount == "palm_up" else (1.0, 0.0, 0.0, 0.0)
    parent = scene.worldbody.add_body(name="hand_mount", pos=position, quat=quat)
    if mount == "wrist":
        parent = add_wrist(scene, parent)
    place, turn = _root_in_palm_frame(hand)
    attach(scene, spec, parent.add_frame(pos=place, quat=turn))


def attach(scene: mujoco.MjSpec, spec: mujoco.MjSpec, frame: mujoco.MjsFrame) -> None:
    """Attach a model to a frame of a scene, which takes over the model's contact options.

    MuJoCo keeps the scene's options where the two differ, with no more than a warning.
    """
    scene.option.cone = spec.option.cone
    scene.option.impratio = min(spec.option.impratio, MOST_IMPRATIO)
    spec.option = scene.option  # else MuJoCo warns of every difference
    scene.attach(spec, prefix=PREFIX, frame=frame)


def _root_in_palm_frame(hand: Hand) -> tuple[FloatArray, FloatArray]:
    """Return the place, (3,) [m], and orientation wxyz of the model's origin in the palm frame."""
    loaded = load_hand(hand)
    data = mujoco.MjData(loaded.model)
    data.qpos[loaded.controls.qpos] = loaded.controls.angles(loaded.neutral)
    mujoco.mj_kinematics(loaded.model, data)
    turn, place, back = np.zeros(4), np.zeros(3), np.zeros(4)
    mujoco.mju_mat2Quat(turn, data.site_xmat[loaded.palm])
    mujoco.mju_negPose(place, back, data.site_xpos[loaded.palm], turn)
    return place, back
