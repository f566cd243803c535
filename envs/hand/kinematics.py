"""Fingertip kinematics of the fmbench hand: inverse kinematics and pressing targets."""

from collections.abc import Mapping
from functools import lru_cache

import mujoco
import numpy as np

from envs.arrays import FloatArray
from envs.hand.hand import (
    DIP_COUPLING,
    FINGER_JOINTS,
    FINGER_SCALE,
    FINGER_STIFFNESS_NM_PER_RAD,
    FINGER_Y_M,
    FINGERS,
    HAND_JOINTS,
    JOINT_RANGE_RAD,
    KNUCKLE_X_M,
    LONG_PHALANGES_M,
    index_hand,
)
from envs.hand.scene import add_hand
from envs.scene import make_scene

DAMPING_M = 0.01  # of the least squares
REST_WEIGHT_M_PER_RAD = 0.001  # pull to the initial posture in the null space
MAX_STEP_RAD = 0.2


@lru_cache(maxsize=1)
def _bare_hand() -> mujoco.MjModel:
    spec = make_scene("bare_hand")
    add_hand(spec, "palm")
    return spec.compile()


def _settle(model: mujoco.MjModel, data: mujoco.MjData, angles: FloatArray) -> None:
    """Set the actuated joints, [rad], and the coupled DIP joints that follow them."""
    data.qpos[index_hand(model, "palm").qpos] = angles
    for k in range(model.neq):
        dip, pip = int(model.eq_obj1id[k]), int(model.eq_obj2id[k])
        slope = model.eq_data[k, 1]
        data.qpos[model.jnt_qposadr[dip]] = slope * data.qpos[model.jnt_qposadr[pip]]
    mujoco.mj_kinematics(model, data)
    mujoco.mj_comPos(model, data)


def coupled_qpos(model: mujoco.MjModel, qpos: FloatArray) -> FloatArray:
    """Return `qpos`, (nq,), with every DIP joint set by the coupling to its PIP joint."""
    result = qpos.copy()
    dips, pips = model.jnt_qposadr[model.eq_obj1id], model.jnt_qposadr[model.eq_obj2id]
    result[dips] = model.eq_data[:, 1] * result[pips]
    return result


def _jacobian(
    model: mujoco.MjModel, data: mujoco.MjData, site: int, columns: np.ndarray
) -> FloatArray:
    """Return the tip Jacobian over the actuated joints, (3, 14), DIP motion added to the PIP."""
    full = np.zeros((3, model.nv))
    mujoco.mj_jacSite(model, data, full, None, site)
    for k in range(model.neq):
        dip, pip = int(model.eq_obj1id[k]), int(model.eq_obj2id[k])
        slope = model.eq_data[k, 1]
        full[:, model.jnt_dofadr[pip]] += slope * full[:, model.jnt_dofadr[dip]]
    return full[:, columns]


def solve_fingertips(
    targets: Mapping[str, FloatArray], initial: FloatArray, iterations: int = 120
) -> tuple[FloatArray, float]:
    """Solve fingertip inverse kinematics by damped least squares inside the joint limits.

    Args:
        targets: Desired tip-sphere centre of each named finger, (3,) [m], palm frame.
        initial: Posture to start from and to stay near, (14,) [rad]; the joints of the other
            fingers keep it.
        iterations: Fixed number of steps, so that the result is reproducible.

    Returns:
        The posture, (14,) [rad], and the largest remaining tip error [m].
    """
    unknown = set(targets) - set(FINGERS)
    if unknown:
        raise ValueError(f"Unknown fingers {sorted(unknown)}; known: {', '.join(FINGERS)}.")
    model = _bare_hand()
    data, hand = mujoco.MjData(model), index_hand(model, "palm")
    limits = np.array([JOINT_RANGE_RAD[name] for name in HAND_JOINTS])
    angles = initial.copy()
    for _ in range(iterations):
        _settle(model, data, angles)
        for finger, target in targets.items():
            joints = np.array([HAND_JOINTS.index(name) for name in FINGER_JOINTS[finger]])
            site = int(hand.tips[FINGERS.index(finger)])
            jacobian = _jacobian(model, data, site, hand.dof)[:, joints]
            error = target - data.site_xpos[site]
            rest = initial[joints] - angles[joints]
            # Joints that the step would push past a limit are dropped from the solve.
            step = _damped_step(jacobian, error, rest)
            blocked = (angles[joints] + step < limits[joints, 0]) | (
                angles[joints] + step > limits[joints, 1]
            )
            step = _damped_step(jacobian * ~blocked, error, rest * ~blocked)
            angles[joints] = np.clip(angles[joints] + step, limits[joints, 0], limits[joints, 1])
    _settle(model, data, angles)
    errors = [
        float(np.linalg.norm(target - data.site_xpos[hand.tips[FINGERS.index(finger)]]))
        for finger, target in targets.items()
    ]
    return angles, max(errors)


def aim_finger(finger: str, targets: FloatArray) -> FloatArray:
    """Solve inverse kinematics of a finger with an abduction joint in closed form, batched.

    Abduction turns the plane of the finger to the target. The PIP joint curls the finger until its
    tip is as far from the knuckle as the target, and the MCP joint turns it to the target.

    Args:
        finger: "index" or "middle".
        targets: Desired tip-sphere centres, (n, 3) [m], palm frame, in front of the knuckle.

    Returns:
        Abduction, MCP and PIP angles, (n, 3) [rad], clipped to their ranges; a finger points at a
        target out of reach.
    """
    limits = np.array([JOINT_RANGE_RAD[name] for name in FINGER_JOINTS[finger]])
    first, second, third = (FINGER_SCALE[finger] * length for length in LONG_PHALANGES_M)
    curls = np.linspace(limits[2, 0], limits[2, 1], 1024)
    # The tip in the finger's plane with the MCP joint at 0: along the finger and below it.
    curled = first + second * np.exp(1j * curls) + third * np.exp(1j * (1 + DIP_COUPLING) * curls)
    x, y, z = (targets - np.array([KNUCKLE_X_M, FINGER_Y_M[finger], 0.0])).T
    along = np.hypot(x, y)
    # The distance from tip to knuckle falls as the finger curls; `interp` needs a rising axis.
    pip = np.interp(np.hypot(along, z), np.abs(curled)[::-1], curls[::-1])
    mcp = np.arctan2(-z, along) - np.interp(pip, curls, np.angle(curled))
    angles = np.stack([np.arctan2(y, x), mcp, pip], axis=1)
    return np.asarray(np.clip(angles, limits[:, 0], limits[:, 1]))


def pressing_targets(angles: FloatArray, forces: Mapping[str, FloatArray]) -> FloatArray:
    """Return the servo targets that make fingertips press with given forces in a posture.

    Args:
        angles: The posture, (14,) [rad].
        forces: Force of each named fingertip on what it touches, (3,) [N], palm frame.

    Returns:
        The targets, (14,) [rad]; a servo's torque is its stiffness times target minus angle.
    """
    model = _bare_hand()
    data, hand = mujoco.MjData(model), index_hand(model, "palm")
    _settle(model, data, angles)
    torques = np.zeros_like(angles)
    for finger, force in forces.items():
        site = int(hand.tips[FINGERS.index(finger)])
        torques += _jacobian(model, data, site, hand.dof).T @ force
    return np.asarray(angles + torques / FINGER_STIFFNESS_NM_PER_RAD)


def _damped_step(jacobian: FloatArray, error: FloatArray, rest: FloatArray) -> FloatArray:
    """Minimise |J s - e|^2 + damping^2 |s|^2 + rest_weight^2 |s - rest|^2, then limit |s|."""
    weight = REST_WEIGHT_M_PER_RAD**2
    hessian = jacobian.T @ jacobian + (DAMPING_M**2 + weight) * np.eye(jacobian.shape[1])
    step = np.linalg.solve(hessian, jacobian.T @ error + weight * rest)
    return np.asarray(step * min(1.0, MAX_STEP_RAD / max(float(np.abs(step).max()), 1e-9)))
