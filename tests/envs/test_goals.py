"""Interface of the goal-conditioned environments, and training with hindsight replay."""

import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3 import SAC, HerReplayBuffer
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import fmbench  # noqa: F401  registers the ids
from envs.goals import GoalTask
from envs.gym.goal_env import HandGoalEnv
from envs.gym.goal_protocol import GOAL_LIMIT
from envs.gym.goal_vector_env import HandGoalVectorEnv
from envs.registry import TASKS, goal_id, make_task, task_id
from envs.world import World

NAMES = tuple(name for name, entry in TASKS.items() if entry.has_goal)
every_goal_task = pytest.mark.parametrize("name", NAMES)


def make(name: str) -> gymnasium.Env:
    return gymnasium.make(goal_id(name)).unwrapped


def goal_task(name: str) -> GoalTask:
    task = make_task(name)
    assert isinstance(task, GoalTask)
    return task


@pytest.mark.parametrize("name", list(TASKS))
def test_registry_agrees_with_class_on_goals(name: str) -> None:
    entry = TASKS[name]
    assert isinstance(make_task(entry.twin_of or name), GoalTask) == (
        TASKS[entry.twin_of or name].has_goal
    )


@every_goal_task
def test_environment_checkers_pass(name: str) -> None:
    check_env(make(name), skip_render_check=True)
    sb3_check_env(make(name), warn=False)


@every_goal_task
def test_observation_is_the_tasks_without_the_goal(name: str) -> None:
    env, plain = make(name), gymnasium.make(task_id(name)).unwrapped
    task = goal_task(name)
    assert set(task.goal_fields) <= {part.name for part in task.fields()}
    observation, info = env.reset(seed=5)
    flat, plain_info = plain.reset(seed=5)
    assert info == plain_info
    rng = np.random.default_rng(0)
    for _ in range(10):
        assert env.observation_space.contains(observation)
        assert np.array_equal(observation["observation"], flat[task.goal_free_columns])
        action = rng.uniform(-1, 1, task.act_dim).astype(np.float32)
        observation, reward, terminated, _, info = env.step(action)
        flat, *_, plain_info = plain.step(action)
        goals = observation["achieved_goal"], observation["desired_goal"]
        assert reward == env.compute_reward(*goals, info)
        assert info == plain_info
        if terminated:
            break
    env.reset(seed=5)
    copied = pickle.loads(pickle.dumps(env))
    assert np.array_equal(env.step(action)[0]["observation"], copied.step(action)[0]["observation"])


@every_goal_task
def test_goals_of_two_episodes_differ_and_are_in_bounds(name: str) -> None:
    task, world = goal_task(name), World(make_task(name), 2, 1)
    world.reset(world.all_rows, np.array([1, 2]))
    desired = task.desired_goal(world.view(world.all_rows))
    assert desired.shape == (2, task.goal_size)
    assert not np.array_equal(*desired)
    assert np.abs(desired).max() < GOAL_LIMIT


@every_goal_task
def test_reward_is_vectorised(name: str) -> None:
    env = make(name)
    observation, _ = env.reset(seed=0)
    achieved, desired = observation["achieved_goal"], observation["desired_goal"]
    rows = env.compute_reward(np.stack([achieved, desired]), np.stack([desired, desired]), [{}, {}])
    assert rows.shape == (2,)
    assert rows.tolist() == [-1.0, 0.0]
    assert env.compute_reward(achieved, desired, {}) == -1.0


def test_task_without_a_goal_is_rejected() -> None:
    with pytest.raises(ValueError, match="PickEither has no goal"):
        HandGoalEnv("PickEither")
    with pytest.raises(ValueError, match="PickEither has no goal"):
        HandGoalVectorEnv("PickEither")
    assert goal_id("PickEither") not in gymnasium.registry


def test_rewards_of_a_batch_are_those_of_its_goals() -> None:
    envs = gymnasium.make_vec(goal_id("ReachPose"), num_envs=4)
    assert isinstance(envs, HandGoalVectorEnv)
    envs.reset(seed=3)
    observations, rewards, *_ = envs.step(np.zeros(envs.action_space.shape, np.float32))
    goals = observations["achieved_goal"], observations["desired_goal"]
    assert rewards.tolist() == envs.compute_reward(*goals, {}).tolist() == [-1.0] * 4
    assert envs.compute_reward(goals[1], goals[1], {}).tolist() == [0.0] * 4


@pytest.mark.slow
def test_hindsight_replay_trains() -> None:
    env = gymnasium.make(goal_id("ReachPose"))
    agent = SAC(
        "MultiInputPolicy",
        env,
        replay_buffer_class=HerReplayBuffer,
        replay_buffer_kwargs={"n_sampled_goal": 4, "goal_selection_strategy": "future"},
        learning_starts=70,
        batch_size=32,
        policy_kwargs={"net_arch": [16]},
        seed=0,
    )
    agent.learn(100)
    batch = agent.replay_buffer.sample(256)
    assert (batch.rewards == 0).any(), "no relabelled goal was reached"
    assert (batch.rewards == -1).any()
