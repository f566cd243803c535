"""Fingertip inverse kinematics reaches stated targets on every hand, or says that it cannot."""

import mujoco
import numpy as np
import pytest

from envs.experts.grasp import cube_grasp
from envs.hand import kinematics
from envs.hand.catalogue import find_hand
from envs.hand.loading import load_hand
from envs.hand.own import FMBENCH
from envs.hand.reach import fingertips, pressing_targets, reach_fingertips, solve_fingertips
from tests.envs.hand.described import every_hand

CUBE_M = 0.05


@every_hand
def test_tips_of_other_postures_are_reached_within_a_millimetre(name: str) -> None:
    hand, rng = find_hand(name), np.random.default_rng(0)
    loaded = load_hand(hand)
    low, high = loaded.controls.low, loaded.controls.high
    in_fingers = np.unique(np.concatenate(list(loaded.columns.values())))
    for _ in range(6):
        other = loaded.neutral.copy()
        other[in_fingers] = (low + rng.uniform(0.25, 0.75, len(low)) * (high - low))[in_fingers]
        goals = dict(zip(hand.fingers, fingertips(hand, other), strict=True))
        posture = reach_fingertips(hand, goals, loaded.neutral)
        assert ((posture >= low) & (posture <= high)).all()
        reached = fingertips(hand, posture)
        assert np.linalg.norm(reached - list(goals.values()), axis=1).max() < 1e-3


@every_hand
def test_a_point_out_of_reach_is_an_error_with_the_distance(name: str) -> None:
    hand = find_hand(name)
    neutral = load_hand(hand).neutral
    far = np.array([0.5, 0.0, 0.0])
    with pytest.raises(
        ValueError, match=rf"hand {name}: thumb does not reach \(0\.500.* mm remain"
    ):
        reach_fingertips(hand, {"thumb": far}, neutral)
    _, errors = solve_fingertips(hand, {"thumb": far}, neutral)
    assert 0.2 < errors["thumb"] < 0.6
    with pytest.raises(ValueError, match=r"unknown finger 'thum'; did you mean thumb"):
        solve_fingertips(hand, {"thum": far}, neutral)


@every_hand
def test_only_named_fingers_move_and_targets_are_those_of_the_palm_frame(name: str) -> None:
    hand = find_hand(name)
    loaded = load_hand(hand)
    finger = list(hand.fingers)[1]
    goal = fingertips(hand, loaded.neutral)[1] + np.array([-0.004, 0.0, 0.004])
    posture = reach_fingertips(hand, {finger: goal}, loaded.neutral)
    moved = np.flatnonzero(posture != loaded.neutral)
    assert set(moved) <= set(loaded.columns[finger])
    # x along the fingers, z out of the back: bending brings all tips but the thumb's down and back.
    straight = np.clip(0.0, loaded.controls.low, loaded.controls.high)
    change = (fingertips(hand, loaded.neutral) - fingertips(hand, straight))[1:]
    assert (change[:, [0, 2]] < -0.005).all()
    thumb, *others = fingertips(hand, straight)
    assert thumb[1] > max(tip[1] for tip in others)


def test_the_own_hand_is_solved_as_its_tasks_solve_it() -> None:
    rng, initial = np.random.default_rng(1), np.full(14, 0.4)
    for _ in range(4):
        goals = dict(zip(FMBENCH.fingers, fingertips(FMBENCH, initial), strict=True))
        goals = {finger: point + rng.uniform(-0.01, 0.01, 3) for finger, point in goals.items()}
        theirs, error = kinematics.solve_fingertips(goals, initial)
        ours, errors = solve_fingertips(FMBENCH, goals, initial)
        assert ours == pytest.approx(theirs, abs=1e-9)
        assert max(errors.values()) == pytest.approx(error, abs=1e-9)
    forces = {"index": np.array([0.0, 0.1, -1.0])}
    theirs = kinematics.pressing_targets(initial, forces)
    assert pressing_targets(FMBENCH, initial, forces) == pytest.approx(theirs, abs=1e-9)
    assert load_hand(FMBENCH).pregrasp == pytest.approx(cube_grasp(CUBE_M / 2).open, abs=0.01)


@every_hand
def test_pressing_targets_hold_a_force(name: str) -> None:
    hand = find_hand(name)
    loaded = load_hand(hand)
    controls = loaded.controls
    force, finger = np.array([0.05, 0.0, -0.2]), list(hand.fingers)[1]
    targets = pressing_targets(hand, loaded.neutral, {finger: force})
    torques = (targets - loaded.neutral) * controls.stiffness
    nearby = loaded.neutral + 1e-6 * np.eye(len(torques))
    tips = np.array([fingertips(hand, row)[1] for row in nearby])
    jacobian = (tips - fingertips(hand, loaded.neutral)[1]).T / 1e-6
    columns = loaded.columns[finger]  # a wrist of the hand has to hold the force as well
    assert torques[columns] == pytest.approx((jacobian.T @ force)[columns], abs=1e-6)
    assert np.abs(torques[columns]).max() > 0.005
    others = np.concatenate([loaded.columns[each] for each in hand.fingers if each != finger])
    assert not torques[others].any()


@every_hand
def test_described_postures_are_free_of_contact_and_fit_a_cube(name: str) -> None:
    hand = find_hand(name)
    loaded = load_hand(hand)
    for posture in (loaded.neutral, loaded.pregrasp):
        data = mujoco.MjData(loaded.model)
        data.qpos[loaded.controls.qpos] = loaded.controls.angles(posture)
        mujoco.mj_forward(loaded.model, data)
        assert data.ncon == 0
    names = list(hand.fingers)
    tips = dict(zip(names, fingertips(hand, loaded.pregrasp), strict=True))
    thumb, other = hand.opposing[0]
    assert thumb == names[0] == "thumb"
    radii = hand.fingers[thumb].radius_m + hand.fingers[other].radius_m
    opening = float(np.linalg.norm(tips[thumb] - tips[other])) - radii
    assert CUBE_M + 0.02 < opening < CUBE_M + 0.06
