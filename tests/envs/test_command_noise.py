"""Command noise: reproducibility per episode, size, correlation and limits."""

import numpy as np
import pytest

from envs.experts.command_noise import CORRELATION, FINGER_STD_RAD, CommandNoise
from envs.hand.hand import HAND_JOINTS
from envs.registry import make_task
from envs.world import World

TASK = make_task("PressEither")


def begun(sims: int, rows: list[int], seeds: list[int], scale: float) -> CommandNoise:
    world = World(TASK, sims, 1)
    noise = CommandNoise(world, scale)
    world.reset(np.array(rows), np.array(seeds))
    noise.reset(np.array(rows), np.array(seeds))
    return noise


def measured_joints(sims: int, seeds: list[int]) -> np.ndarray:
    world = World(TASK, sims, 1)
    world.reset(world.all_rows, np.array(seeds))
    return TASK.action(world.view(world.all_rows).qpos[:, TASK.hand.qpos])


def test_scale_zero_does_not_change_commands() -> None:
    actions = np.random.default_rng(0).uniform(-1, 1, (3, 14)).astype(np.float32)
    rows = np.arange(3)
    executed = begun(3, [0, 1, 2], [5, 6, 7], 0.0).disturb(rows, np.array([0, 9, 4]), actions)
    assert executed.dtype == np.float32
    assert np.array_equal(executed, actions)


def test_noise_depends_on_episode_and_step_only() -> None:
    actions = np.full((2, 14), 0.1, np.float32)
    first = begun(3, [2, 0], [5, 6], 1.0).disturb(np.array([2, 0]), np.array([3, 8]), actions)
    second = begun(7, [6, 4], [6, 5], 1.0).disturb(np.array([4, 6]), np.array([3, 8]), actions)
    assert np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


def test_moving_joints_have_the_stated_deviation_and_correlation() -> None:
    sims = 60
    seeds = list(range(sims))
    joints = measured_joints(sims, seeds)
    actions = (joints + np.where(joints > 0, -0.6, 0.6)).astype(np.float32)
    noise, rows = begun(sims, list(range(sims)), seeds, 1.0), np.arange(sims)
    steps = range(TASK.horizon)
    disturbed = np.stack([noise.disturb(rows, np.full(sims, k), actions) for k in steps])
    change = (disturbed - actions) * 0.5 * (TASK.hand.high - TASK.hand.low)
    moved = change[:, :, [HAND_JOINTS.index(name) for name in ("index_pip", "middle_mcp")]]
    assert abs(moved.mean()) < 0.2 * FINGER_STD_RAD
    assert moved.std(axis=(1, 2)) == pytest.approx(FINGER_STD_RAD, rel=0.35)
    assert moved.std() == pytest.approx(FINGER_STD_RAD, rel=0.1)
    correlation = np.corrcoef(moved[:-1].ravel(), moved[1:].ravel())[0, 1]
    assert correlation == pytest.approx(CORRELATION, abs=0.03)


def test_resting_joints_are_not_disturbed() -> None:
    actions = measured_joints(3, [1, 2, 3]).astype(np.float32)
    executed = begun(3, [0, 1, 2], [1, 2, 3], 1.0).disturb(np.arange(3), np.full(3, 5), actions)
    assert executed == pytest.approx(actions, abs=1e-6)


def test_executed_commands_stay_in_range() -> None:
    executed = begun(2, [0, 1], [1, 2], 50.0).disturb(
        np.arange(2), np.array([0, 1]), np.ones((2, 14), np.float32)
    )
    assert np.abs(executed).max() == 1.0
    assert executed.min() < 1.0


@pytest.mark.parametrize("scale", [-0.1, float("nan"), float("inf")])
def test_invalid_scale_is_rejected(scale: float) -> None:
    with pytest.raises(ValueError, match="give a number of at least 0"):
        CommandNoise(World(TASK, 1, 1), scale)


def test_both_hands_have_the_noise_of_a_single_hand() -> None:
    one, two = (CommandNoise(World(make_task(name), 1, 1)) for name in ("LiftCube", "HandOver"))
    for key in ("_std", "_full_motion"):
        np.testing.assert_array_equal(getattr(two, key), np.tile(getattr(one, key), 2))
