"""MuJoCo model of the fmbench hand: 14 joints, capsule links, fixed palm or actuated wrist."""

import mujoco
import numpy as np

from envs.hand.hand import (
    CAPSULE_RADII_M,
    DIP_COUPLING,
    FINGER_JOINTS,
    FINGER_SCALE,
    FINGER_STIFFNESS_NM_PER_RAD,
    FINGER_Y_M,
    HAND_BIT,
    JOINT_RANGE_RAD,
    KNUCKLE_X_M,
    LONG_PHALANGES_M,
    OBJECT_BITS,
    PALM_BODY,
    PALM_HALF_SIZE_M,
    PALM_SITE,
    THUMB_BASE_M,
    THUMB_BIT,
    THUMB_JOINTS,
    THUMB_PHALANGES_M,
    THUMB_SPLAY_RAD,
    WRIST_JOINTS,
    WRIST_RANGE,
    OneHandMount,
)


def add_hand(
    spec: mujoco.MjSpec,
    mount: OneHandMount,
    position: tuple[float, float, float] = (0.0, 0.0, 0.0),
    quat_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0),
) -> None:
    """Add the hand to a scene.

    Args:
        spec: The scene under construction.
        mount: `"palm"` fixes the palm at `position`; `"wrist"` mounts it on three slides and
            three hinges (yaw, pitch, roll) whose zero is at `position`.
        position: Palm centre [m], world frame.
        quat_wxyz: Orientation of the mount; by default the palm faces down.
    """
    _add_materials(spec)
    parent = spec.worldbody.add_body(name="hand_mount", pos=position, quat=quat_wxyz)
    if mount == "wrist":
        parent = _add_wrist(spec, parent)
    palm = parent.add_body(name=PALM_BODY, gravcomp=1)
    _add_palm(palm)
    _add_thumb(spec, palm)
    for finger in FINGER_Y_M:
        _add_long_finger(spec, palm, finger)


def _add_materials(spec: mujoco.MjSpec) -> None:
    spec.add_material(name="shell", rgba=[0.93, 0.92, 0.89, 1], specular=0.3, shininess=0.4)
    spec.add_material(name="joint_grey", rgba=[0.30, 0.33, 0.38, 1], specular=0.2)
    spec.add_material(name="pad", rgba=[0.16, 0.18, 0.22, 1], specular=0.1)


def _add_wrist(spec: mujoco.MjSpec, parent: mujoco.MjsBody) -> mujoco.MjsBody:
    axes = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1]}
    axes |= {"yaw": [0, 0, 1], "pitch": [0, 1, 0], "roll": [1, 0, 0]}
    for name in WRIST_JOINTS:
        is_slide = name in WRIST_JOINTS[:3]
        # One small massive body per joint keeps the chain's inertia positive definite.
        parent = parent.add_body(name=f"{name}_link", gravcomp=1, mass=0.02)
        parent.inertia = [2e-5, 2e-5, 2e-5]
        parent.explicitinertial = True
        kind = mujoco.mjtJoint.mjJNT_SLIDE if is_slide else mujoco.mjtJoint.mjJNT_HINGE
        parent.add_joint(
            name=name,
            type=kind,
            axis=axes[name.removeprefix("wrist_")],
            range=WRIST_RANGE[name],
            limited=True,
            armature=0.2 if is_slide else 0.01,
        )
        kp, kv = (1200.0, 90.0) if is_slide else (20.0, 1.0)
        _add_servo(spec, name, WRIST_RANGE[name], kp, kv, force=60.0 if is_slide else 8.0)
    return parent


def _add_servo(
    spec: mujoco.MjSpec, name: str, limits: tuple[float, float], kp: float, kv: float, force: float
) -> None:
    actuator = spec.add_actuator(
        name=name,
        target=name,
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        ctrlrange=limits,
        ctrllimited=True,
        forcerange=[-force, force],
        forcelimited=True,
    )
    actuator.set_to_position(kp=kp, kv=kv)


def _add_finger_joint(
    spec: mujoco.MjSpec, body: mujoco.MjsBody, name: str, axis: list[int]
) -> None:
    limits = JOINT_RANGE_RAD[name]
    body.add_joint(name=name, axis=axis, range=limits, limited=True, damping=0.02, armature=0.0008)
    _add_servo(spec, name, limits, kp=FINGER_STIFFNESS_NM_PER_RAD, kv=0.06, force=2.0)


def _add_palm(palm: mujoco.MjsBody) -> None:
    bits = {"contype": HAND_BIT, "conaffinity": OBJECT_BITS}
    box, capsule = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CAPSULE
    half = PALM_HALF_SIZE_M
    palm.add_geom(name="palm", type=box, size=half, mass=0.25, material="shell", **bits)
    look = {"contype": 0, "conaffinity": 0, "mass": 0.0, "group": 1}
    for sign in (-1, 1):  # rounded sides, visual only
        edge = [-0.036, sign * half[1], 0, 0.036, sign * half[1], 0]
        palm.add_geom(type=capsule, size=[half[2], 0, 0], fromto=edge, material="shell", **look)
    cuff = [-0.085, 0, 0, -0.045, 0, 0]
    palm.add_geom(type=capsule, size=[0.026, 0, 0], fromto=cuff, material="joint_grey", **look)
    palm.add_site(name=PALM_SITE, pos=[0, 0, -half[2]], size=[0.003, 0, 0], group=4)


def _add_phalanx(
    body: mujoco.MjsBody,
    name: str,
    length: float,
    radius: float,
    is_tip: bool,
    bits: dict[str, int],
) -> None:
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_CAPSULE,
        size=[radius, 0, 0],
        fromto=[0, 0, 0, length, 0, 0],
        mass=0.02,
        material="pad" if is_tip else "shell",
        condim=4,
        friction=[1.5 if is_tip else 1.0, 0.02, 0.001],
        **bits,
    )
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_SPHERE,
        size=[radius * 1.04, 0, 0],
        material="joint_grey",
        contype=0,
        conaffinity=0,
        mass=0.0,
        group=1,
    )


def _add_long_finger(spec: mujoco.MjSpec, palm: mujoco.MjsBody, finger: str) -> None:
    bits = {"contype": HAND_BIT, "conaffinity": OBJECT_BITS | THUMB_BIT}
    body = palm.add_body(
        name=f"{finger}_proximal", pos=[KNUCKLE_X_M, FINGER_Y_M[finger], 0], gravcomp=1
    )
    if f"{finger}_abduction" in FINGER_JOINTS[finger]:
        _add_finger_joint(spec, body, f"{finger}_abduction", [0, 0, 1])
    _add_finger_joint(spec, body, f"{finger}_mcp", [0, 1, 0])
    lengths = [FINGER_SCALE[finger] * length for length in LONG_PHALANGES_M]
    for part, name in enumerate(("proximal", "middle", "distal")):
        if part > 0:
            body = body.add_body(name=f"{finger}_{name}", pos=[lengths[part - 1], 0, 0], gravcomp=1)
        if name == "middle":
            _add_finger_joint(spec, body, f"{finger}_pip", [0, 1, 0])
        _add_phalanx(
            body, f"{finger}_{name}", lengths[part], CAPSULE_RADII_M[part], name == "distal", bits
        )
    body.add_joint(
        name=f"{finger}_dip", axis=[0, 1, 0], range=[0, 1.3], damping=0.02, armature=0.0008
    )
    spec.add_equality(
        type=mujoco.mjtEq.mjEQ_JOINT,
        objtype=mujoco.mjtObj.mjOBJ_JOINT,
        name1=f"{finger}_dip",
        name2=f"{finger}_pip",
        data=[0, DIP_COUPLING, 0, 0, 0, *[0] * 7],
    )
    body.add_site(name=f"{finger}_tip", pos=[lengths[2], 0, 0], size=[0.004, 0, 0], group=4)


def _add_thumb(spec: mujoco.MjSpec, palm: mujoco.MjsBody) -> None:
    bits = {"contype": HAND_BIT | THUMB_BIT, "conaffinity": OBJECT_BITS}
    base = palm.add_body(name="thumb_base", pos=THUMB_BASE_M, gravcomp=1, mass=0.01)
    base.inertia = [2e-6, 2e-6, 2e-6]
    base.explicitinertial = True
    _add_finger_joint(spec, base, "thumb_opposition", [-1, 0, 0])
    half_splay = THUMB_SPLAY_RAD / 2
    body = base.add_body(
        name="thumb_metacarpal", quat=[np.cos(half_splay), 0, 0, np.sin(half_splay)], gravcomp=1
    )
    for part, (name, joint) in enumerate(
        zip(("metacarpal", "proximal", "distal"), THUMB_JOINTS[1:], strict=True)
    ):
        if part > 0:
            body = body.add_body(
                name=f"thumb_{name}", pos=[THUMB_PHALANGES_M[part - 1], 0, 0], gravcomp=1
            )
        _add_finger_joint(spec, body, joint, [0, 0, -1])
        radius = CAPSULE_RADII_M[part] + 0.0005
        _add_phalanx(body, f"thumb_{name}", THUMB_PHALANGES_M[part], radius, name == "distal", bits)
    body.add_site(name="thumb_tip", pos=[THUMB_PHALANGES_M[2], 0, 0], size=[0.004, 0, 0], group=4)
