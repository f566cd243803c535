"""How a hand's joints follow from its position targets, read from a compiled model.

Joint angles are linear in the targets of the servos: `q = offset + matrix @ targets`. A servo on a
joint moves it alone, one on a fixed tendon shares its target between the tendon's joints in
proportion to their coefficients (joints with equal ones turn by equal parts, as they do when free),
and a joint that an equality couples follows the other one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from envs.arrays import BoolArray, FloatArray, IntArray

_JOINT, _TENDON = int(mujoco.mjtTrn.mjTRN_JOINT), int(mujoco.mjtTrn.mjTRN_TENDON)
_JOINT_EQUALITY = int(mujoco.mjtEq.mjEQ_JOINT)
_HINGE, _SLIDE = int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE)


@dataclass(frozen=True)
class Controls:
    """The servos of a hand and the joints that they move.

    Attributes:
        actuators: Ids of the actuators, (act_dim,).
        joints: Ids of the joints, (k,), in the order of the model.
        qpos: Addresses of these joints in `qpos`, (k,).
        dofs: Addresses of these joints in `qvel`, (k,).
        offset: Angles of the joints at targets of 0, (k,) [rad].
        matrix: Angle of each joint for each target, (k, act_dim).
        lengths: What each servo measures for each angle, (act_dim, k).
        low: Lower limits of the targets, (act_dim,) [rad]: those of the actuators, and those that
            keep every joint in its range.
        high: Upper limits, (act_dim,) [rad].
        stiffness: Torque for each difference of target and measure, (act_dim,) [N m/rad].
    """

    actuators: IntArray
    joints: IntArray
    qpos: IntArray
    dofs: IntArray
    offset: FloatArray
    matrix: FloatArray
    lengths: FloatArray
    low: FloatArray
    high: FloatArray
    stiffness: FloatArray

    def angles(self, targets: FloatArray) -> FloatArray:
        """Return the joint angles of free joints at targets (..., act_dim), (..., k) [rad]."""
        return np.asarray(self.offset + targets @ self.matrix.T)

    def measured(self, angles: FloatArray) -> FloatArray:
        """Return what the servos measure at joint angles (..., k), (..., act_dim) [rad]."""
        return np.asarray(angles @ self.lengths.T)


def read_controls(model: mujoco.MjModel, actuators: Sequence[int]) -> Controls:
    """Read the servos called `actuators` and the joints that they move.

    Raises:
        ValueError: An actuator is no position servo on a joint or a fixed tendon, or a joint is
            coupled by a curve.
    """
    ids = np.array(actuators, dtype=np.int64)
    lengths = np.zeros((len(ids), model.njnt))
    for row, actuator in enumerate(ids):
        check_servo(model, int(actuator))
        lengths[row] = _lengths_of(model, int(actuator))
    matrix = lengths.T / np.maximum((lengths**2).sum(axis=1), 1e-12)
    driven: BoolArray = (lengths != 0.0).any(axis=0)
    offset, is_coupled = np.zeros(model.njnt), np.zeros(model.njnt, dtype=np.bool_)
    for follower, leader, constant, slope in _couplings(model):
        if driven[leader] and not driven[follower]:
            matrix[follower] = slope * matrix[leader]
            offset[follower], is_coupled[follower] = constant, True
    joints = np.flatnonzero(driven | is_coupled)
    low, high = _limits(model, ids, joints, offset, matrix)
    return Controls(
        actuators=ids,
        joints=joints,
        qpos=model.jnt_qposadr[joints].astype(np.int64),
        dofs=model.jnt_dofadr[joints].astype(np.int64),
        offset=offset[joints],
        matrix=matrix[joints],
        lengths=lengths[:, joints],
        low=low,
        high=high,
        stiffness=model.actuator_gainprm[ids, 0].copy(),
    )


def check_servo(model: mujoco.MjModel, actuator: int) -> None:
    """Check that an actuator is a position servo.

    Raises:
        ValueError: It is not; the message names it.
    """
    name = model.actuator(actuator).name
    gain, bias = model.actuator_gainprm[actuator, 0], model.actuator_biasprm[actuator]
    is_affine = int(model.actuator_biastype[actuator]) == int(mujoco.mjtBias.mjBIAS_AFFINE)
    is_fixed = int(model.actuator_gaintype[actuator]) == int(mujoco.mjtGain.mjGAIN_FIXED)
    is_static = int(model.actuator_dyntype[actuator]) == int(mujoco.mjtDyn.mjDYN_NONE)
    is_servo = is_affine and is_fixed and is_static and gain > 0.0 and bias[1] == -gain
    if not is_servo or bias[0] != 0.0:
        raise ValueError(
            f'actuator {name} is not a position servo; make it <position joint="..." kp="..."/>, '
            "since actions are position targets"
        )
    if int(model.actuator_trntype[actuator]) not in (_JOINT, _TENDON):
        raise ValueError(f"actuator {name} acts neither on a joint nor on a fixed tendon")


def _lengths_of(model: mujoco.MjModel, actuator: int) -> FloatArray:
    """Return the change of a servo's measure with each joint, (njnt,)."""
    lengths, target = np.zeros(model.njnt), int(model.actuator_trnid[actuator, 0])
    if int(model.actuator_trntype[actuator]) == _JOINT:
        lengths[target] = 1.0
    else:
        first, number = int(model.tendon_adr[target]), int(model.tendon_num[target])
        wraps = slice(first, first + number)
        if (model.wrap_type[wraps] != int(mujoco.mjtWrap.mjWRAP_JOINT)).any():
            name = model.tendon(target).name
            raise ValueError(f"tendon {name} is not a fixed one; drive its joints directly")
        lengths[model.wrap_objid[wraps]] = model.wrap_prm[wraps]
    return np.asarray(lengths * model.actuator_gear[actuator, 0])


def _couplings(model: mujoco.MjModel) -> list[tuple[int, int, float, float]]:
    """Return (follower, leader, constant, slope) of every pair of joints that is coupled."""
    pairs = []
    for k in range(model.neq):
        leader = int(model.eq_obj2id[k])
        if int(model.eq_type[k]) != _JOINT_EQUALITY or leader < 0:
            continue
        follower = int(model.eq_obj1id[k])
        if model.eq_data[k, 2:5].any():
            name = model.joint(follower).name
            raise ValueError(f"joint {name} is coupled by a curve; couple it by a straight line")
        zero = model.qpos0[model.jnt_qposadr[[follower, leader]]]
        slope = float(model.eq_data[k, 1])
        constant = float(zero[0] + model.eq_data[k, 0] - slope * zero[1])
        pairs.append((follower, leader, constant, slope))
    return pairs


def _limits(
    model: mujoco.MjModel,
    actuators: IntArray,
    joints: IntArray,
    offset: FloatArray,
    matrix: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return the limits of the targets, (act_dim,) each [rad]."""
    low, high = np.full(len(actuators), -np.inf), np.full(len(actuators), np.inf)
    limited = model.actuator_ctrllimited[actuators].astype(bool)
    low[limited], high[limited] = model.actuator_ctrlrange[actuators[limited]].T
    for joint in joints:
        if model.jnt_limited[joint]:
            column = int(np.abs(matrix[joint]).argmax())
            slope = matrix[joint, column]
            ends = np.sort((model.jnt_range[joint] - offset[joint]) / slope)
            low[column], high[column] = max(low[column], ends[0]), min(high[column], ends[1])
    return low, high
