"""Closed-form inverse kinematics of one finger, against the simulator."""

import numpy as np
import pytest

from envs.hand.hand import FINGER_JOINTS, FINGERS, HAND_JOINTS, JOINT_RANGE_RAD, KNUCKLE_X_M
from envs.hand.kinematics import aim_finger, solve_fingertips
from tests.envs.hand_tips import fingertips


def tip(finger: str, angles: np.ndarray) -> np.ndarray:
    posture = np.zeros(len(HAND_JOINTS))
    posture[[HAND_JOINTS.index(name) for name in FINGER_JOINTS[finger]]] = angles
    return fingertips(posture)[FINGERS.index(finger)]


@pytest.mark.parametrize("finger", ["index", "middle"])
def test_aimed_finger_reaches_every_reachable_point(finger: str) -> None:
    low, high = np.array([JOINT_RANGE_RAD[name] for name in FINGER_JOINTS[finger]]).T
    angles = np.random.default_rng(0).uniform(low, high, (60, 3))
    targets = np.array([tip(finger, row) for row in angles])
    is_ahead = targets[:, 0] > KNUCKLE_X_M
    assert is_ahead.sum() > 20
    aimed = aim_finger(finger, targets[is_ahead])
    reached = np.array([tip(finger, row) for row in aimed])
    assert np.abs(reached - targets[is_ahead]).max() < 1e-6
    assert np.abs(aimed - angles[is_ahead]).max() < 1e-3


def test_aimed_finger_points_at_targets_out_of_reach() -> None:
    far = np.array([[KNUCKLE_X_M + 0.2, 0.0102, -0.2]])
    assert aim_finger("middle", far)[0] == pytest.approx([0.0, np.pi / 4, 0.0], abs=1e-9)


def test_closed_form_agrees_with_the_iteration() -> None:
    target = np.array([0.085, 0.0305, -0.044])
    solved, error = solve_fingertips({"index": target}, np.full(len(HAND_JOINTS), 0.3))
    columns = [HAND_JOINTS.index(name) for name in FINGER_JOINTS["index"]]
    assert error < 1e-4
    assert aim_finger("index", target[None])[0] == pytest.approx(solved[columns], abs=0.01)
