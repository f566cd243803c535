"""The environments for stable-baselines3 are those of `gymnasium.make`, row by row."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import SAC, HerReplayBuffer
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

import fmbench  # noqa: F401  registers the ids
from envs.registry import goal_id, task_id
from fmbench.rl.agents import TrainingRequest, make_envs
from fmbench.rl.endings import ContinuedReturns, LastingFailures
from fmbench.rl.vec_env import SB3VecEnv, make_sb3_envs

COUNT = 3
FLAT, GOAL, SHORT = task_id("ReachPose"), goal_id("ReachPose"), task_id("PressEither")


def equal(one: Any, other: Any) -> bool:
    """Compare observations or infos, in value and type."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and np.array_equal(one, other))
    return type(one) is type(other) and one == other


@pytest.mark.parametrize(("env_id", "steps"), [(FLAT, 61), (GOAL, 62), (SHORT, 8)])
def test_rows_are_single_environments(env_id: str, steps: int) -> None:
    ours = make_sb3_envs(env_id, COUNT, num_threads=1)
    theirs = DummyVecEnv([lambda: gymnasium.make(env_id)] * COUNT)
    assert ours.seed(7) == theirs.seed(7) == [7, 8, 9]
    assert equal(ours.reset(), theirs.reset())
    assert equal(ours.reset_infos[2], theirs.reset_infos[2])
    rng = np.random.default_rng(0)
    ended = 0
    for _ in range(steps):
        actions = rng.uniform(-1.0, 1.0, (COUNT, 14)).astype(np.float32)
        mine, other = ours.step(actions), theirs.step(actions)
        for one, two in zip(mine[:3], other[:3], strict=True):
            assert equal(one, two)
        for one, two in zip(mine[3], other[3], strict=True):
            assert equal(one, two)
        ended += sum("terminal_observation" in info for info in mine[3])
        assert [equal(*pair) for pair in zip(ours.reset_infos, theirs.reset_infos, strict=True)]
    assert ended >= COUNT
    is_late = [info["TimeLimit.truncated"] for info in mine[3]]
    assert not any(is_late) or env_id != SHORT


def test_an_ended_episode_gives_its_last_observation_and_the_next_ones_first() -> None:
    envs = make_sb3_envs(FLAT, 2)
    vector = gymnasium.make_vec(FLAT, num_envs=2, autoreset_mode="Disabled")
    envs.seed(3)
    envs.reset()
    vector.reset(seed=3)
    still = np.zeros((2, 14), np.float32)
    for _ in range(60):
        last, *_ = vector.step(still)
        observations, _, dones, infos = envs.step(still)
    assert dones.tolist() == [True, True]
    assert [info["TimeLimit.truncated"] for info in infos] == [True, True]
    assert np.array_equal([info["terminal_observation"] for info in infos], last)
    seeds = [info["episode_seed"] for info in envs.reset_infos]
    assert min(seeds) >= 2**32  # no list of the benchmark has them
    first = [gymnasium.make(FLAT).reset(seed=seed)[0] for seed in seeds]
    assert np.array_equal(observations, first)


def test_relabelled_rewards_are_those_of_the_environment() -> None:
    envs = VecMonitor(make_sb3_envs(GOAL, 2))
    agent = SAC(
        "MultiInputPolicy",
        envs,
        replay_buffer_class=HerReplayBuffer,
        learning_starts=10_000,
        buffer_size=200,
        policy_kwargs={"net_arch": [8]},
        seed=0,
        device="cpu",
    )
    agent.learn(2 * 61)
    batch = agent.replay_buffer.sample(256)
    achieved = batch.next_observations["achieved_goal"].numpy()
    desired = batch.next_observations["desired_goal"].numpy()
    single = gymnasium.make(GOAL).unwrapped
    expected = single.compute_reward(achieved, desired, {})
    assert np.array_equal(batch.rewards.numpy()[:, 0], expected)
    assert set(expected.tolist()) == {0.0, -1.0}
    (shared,) = envs.env_method("compute_reward", achieved, desired, [], indices=[0])
    assert np.array_equal(shared, expected)


def test_what_rows_share_is_given_for_each_row() -> None:
    envs = make_sb3_envs(FLAT, 2)
    assert envs.get_attr("task") == ["ReachPose", "ReachPose"]
    assert envs.get_attr("action_space", 0) == [envs.action_space]
    assert envs.get_images() == [None, None]
    assert envs.env_is_wrapped(gymnasium.Wrapper) == [False, False]
    assert envs.has_attr("render_mode")
    assert not envs.has_attr("weather")


def test_what_a_batch_cannot_do_is_refused_in_a_line() -> None:
    envs = make_sb3_envs(FLAT, 2)
    with pytest.raises(AttributeError, match=r"'compute_reward' cannot .* this task has no goal"):
        envs.env_method("compute_reward", 0, 0, {})
    with pytest.raises(AttributeError, match="'reset' cannot be called for a row; compute_reward"):
        make_sb3_envs(GOAL, 2).env_method("reset")
    with pytest.raises(AttributeError, match="'weather' is not shared by rows; action_space"):
        envs.get_attr("weather")
    with pytest.raises(AttributeError, match="'task' cannot be set"):
        envs.set_attr("task", "LiftCube")
    with pytest.raises(ValueError, match=r"choose episodes with seed\(\)"):
        envs.set_options({"episode_seed": 3})
    with pytest.raises(ValueError, match=r"autoreset_mode is NextStep; .*'SameStep'"):
        SB3VecEnv(gymnasium.make_vec(FLAT, num_envs=2))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="SyncVectorEnv is no environment of fmbench"):
        SB3VecEnv(gymnasium.make_vec(FLAT, num_envs=2, vectorization_mode="sync"))  # type: ignore[arg-type]


def test_a_success_ends_an_episode_but_not_the_return_of_ppo() -> None:
    envs = make_sb3_envs(SHORT, 1)
    envs.seed(0)
    envs.reset()
    still = np.zeros((1, 14), np.float32)
    ended = {
        "success": True,
        "TimeLimit.truncated": False,
        "terminal_observation": np.zeros(envs.observation_space.shape, np.float32),
    }
    lost, running = ended | {"success": False}, {"success": False, "TimeLimit.truncated": False}
    outcome = envs.step(still)
    for info, is_cut in ((ended, True), (lost, False), (running, False)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(envs, "step_wait", lambda info=info: (*outcome[:3], [dict(info)]))
            (seen,) = ContinuedReturns(envs).step(still)[3]
        assert seen["TimeLimit.truncated"] is is_cut


def test_failing_early_is_worth_no_more_than_going_on_without_the_goal() -> None:
    gamma = 0.9
    plain = make_sb3_envs("fmbench/RotateCubeGoal-v1", 4)
    envs = LastingFailures(make_sb3_envs("fmbench/RotateCubeGoal-v1", 4), gamma)
    rng = np.random.default_rng(0)
    for made in (plain, envs):
        made.seed(0)
        made.reset()
    failures = 0
    for _ in range(10):
        actions = rng.uniform(-1, 1, (4, *envs.action_space.shape)).astype(np.float32)
        (_, before, ended, _), (_, rewards, _, infos) = plain.step(actions), envs.step(actions)
        failed = ended & [not info["success"] and not info["TimeLimit.truncated"] for info in infos]
        assert rewards.dtype == np.float32
        assert np.array_equal(rewards[~failed], before[~failed])
        assert rewards[failed] == pytest.approx(-sum(gamma**k for k in range(500)))
        failures += failed.sum()
    assert failures > 0


def test_hindsight_learns_from_lasting_failures() -> None:
    request = TrainingRequest("sac_her", "RotateCube", 80, 4, 0)
    envs = make_envs(request)
    envs.seed(0)
    envs.reset()
    rng = np.random.default_rng(0)
    worst = 0.0
    for _ in range(10):
        actions = rng.uniform(-1, 1, (4, *envs.action_space.shape)).astype(np.float32)
        worst = min(worst, float(envs.step(actions)[1].min()))
    assert worst == pytest.approx(-1 / (1 - 0.95))
