"""Spring keys and lamps, shared by the tasks that press keys."""

from collections.abc import Sequence

import mujoco
import numpy as np

from envs.task import BoolArray, FloatArray, View

KEY_TOP_M = 0.040
KEY_HALF_SIZE_M = (0.016, 0.0085, 0.006)
KEY_TRAVEL_M, TRIGGER_M = 0.012, 0.004
KEY_STIFFNESS_N_PER_M, KEY_DAMPING = 120.0, 1.5
# Firm enough that a fingertip penetrates a pressed key by less than 3 mm.
FIRM_CONTACT: dict[str, list[float]] = {
    "solref": [0.01, 1.0],
    "solimp": [0.95, 0.99, 0.001, 0.5, 2.0],
}
LAMP_OFF_M, LAMP_ON_M = 0.012, 0.034  # height of the lamp, in its box and out of it


def add_key(
    parent: mujoco.MjsBody, name: str, x: float, y: float, travel_m: float = KEY_TRAVEL_M
) -> None:
    """Add a key on a spring, with a joint of the same name, above a base at (x, y) [m]."""
    half = KEY_HALF_SIZE_M
    body = parent.add_body(name=name, pos=[x, y, KEY_TOP_M - half[2]])
    body.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=[0, 0, 1],
        range=[-travel_m, 0.0],
        limited=True,
        stiffness=KEY_STIFFNESS_N_PER_M,
        damping=KEY_DAMPING,
        armature=0.005,
    )
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=half,
        mass=0.01,
        rgba=[0.25, 0.50, 0.80, 1.0],
        contype=2,
        conaffinity=1,
        condim=4,
        friction=[1.0, 0.02, 0.001],
        **FIRM_CONTACT,
    )
    body.gravcomp = 1
    parent.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[x, y, 0.006],
        size=[0.018, 0.0098, 0.006],
        rgba=[0.30, 0.33, 0.38, 1.0],
        contype=0,
        conaffinity=0,
    )


def add_lamp(
    spec: mujoco.MjSpec, name: str, x: float, y: float, radius: float, half_width: float
) -> None:
    """Add a lamp at (x, y) [m]: a mocap ball without contacts that rises out of a box."""
    body = spec.worldbody.add_body(name=name, mocap=True)
    look = {"contype": 0, "conaffinity": 0}
    sphere, box = mujoco.mjtGeom.mjGEOM_SPHERE, mujoco.mjtGeom.mjGEOM_BOX
    body.add_geom(type=sphere, size=[radius, 0, 0], rgba=[0.95, 0.75, 0.10, 1], **look)
    spec.worldbody.add_geom(
        type=box,
        pos=[x, y, 0.012],
        size=[half_width, half_width, 0.012],
        rgba=[0.3, 0.33, 0.38, 1],
        **look,
    )


def lamp_height(is_on: BoolArray) -> FloatArray:
    """Return the height of lamps, (...) [m]."""
    return np.where(is_on, LAMP_ON_M, LAMP_OFF_M)


def key_addresses(model: mujoco.MjModel, names: Sequence[str]) -> np.ndarray:
    """Return the addresses of the keys' joints in `qpos`, (k,)."""
    return np.array([int(model.joint(name).qposadr[0]) for name in names])


def key_depth(view: View, addresses: np.ndarray) -> FloatArray:
    """Return the depth of pressed keys, (n, k) [m]."""
    return -view.qpos[:, addresses]
