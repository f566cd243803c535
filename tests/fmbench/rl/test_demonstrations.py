"""The replay buffer begins with exactly the demonstrations' transitions."""

import gymnasium
import numpy as np
import pytest

import fmbench  # noqa: F401  registers the ids
from envs.registry import goal_id
from fmbench.data.make import make_demonstrations
from fmbench.data.store import DemonstrationConfig, Demonstrations, load_demonstrations
from fmbench.rl.agents import TrainingRequest, make_agent
from fmbench.rl.demonstrations import (
    Transitions,
    demonstrated_transitions,
    fill_buffer,
    rows_of,
    shared_out,
)
from tests.fmbench.rl.small_training import TASK, small_recipes

COUNT = 5


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory: pytest.TempPathFactory) -> Demonstrations:
    root = tmp_path_factory.mktemp("reach_pose")
    folder, _ = make_demonstrations(DemonstrationConfig(TASK, COUNT), root)
    return load_demonstrations(folder, TASK)


@pytest.fixture(scope="module")
def transitions(demonstrations: Demonstrations) -> list[Transitions]:
    return demonstrated_transitions(TASK, demonstrations, lambda done: None)


def test_transitions_are_those_of_the_goal_environment(
    demonstrations: Demonstrations, transitions: list[Transitions]
) -> None:
    env = gymnasium.make(goal_id(TASK))
    seeds = demonstrations.manifest["episode_seeds"]
    for seed, episode in zip(seeds, transitions, strict=True):
        observation, _ = env.reset(seed=seed)
        for step, action in enumerate(episode.actions):
            for name, values in observation.items():
                assert np.array_equal(values, episode.observations[name][step])
            observation, reward, terminated, _, info = env.step(action)
            assert reward == episode.rewards[step]
            assert terminated == (step == len(episode.actions) - 1)
        assert info["success"]
        for name, values in observation.items():
            assert np.array_equal(values, episode.observations[name][-1])


@pytest.mark.parametrize("num_envs", [1, 3])
def test_the_buffer_holds_them_and_draws_nothing_else(
    transitions: list[Transitions], num_envs: int
) -> None:
    request = TrainingRequest("sac_her", TASK, 60, num_envs, 0)
    rows = rows_of(transitions, num_envs)
    with small_recipes():
        agent = make_agent(request, rows)
    fill_buffer(agent, transitions)
    buffer = agent.replay_buffer
    assert buffer.pos == rows
    columns = shared_out(transitions, num_envs)
    for column, episodes in enumerate(columns):
        assert buffer.ep_length[:, column].sum() == sum(len(e.rewards) ** 2 for e in episodes)
        first = 0
        for episode in episodes:
            place = slice(first, first + len(episode.rewards))
            for name, values in episode.observations.items():
                assert np.array_equal(buffer.observations[name][place, column], values[:-1])
                assert np.array_equal(buffer.next_observations[name][place, column], values[1:])
            assert np.array_equal(buffer.actions[place, column], episode.actions)
            assert np.array_equal(buffer.rewards[place, column], episode.rewards)
            ends = [0.0] * (len(episode.rewards) - 1) + [1.0]
            assert buffer.dones[place, column].tolist() == ends
            assert not buffer.timeouts[place, column].any()
            assert (buffer.ep_start[place, column] == first).all()
            first = place.stop
        assert not buffer.ep_length[first:, column].any()  # never drawn
    assert sum(map(len, columns)) == COUNT
    assert set(buffer._current_ep_start.tolist()) == {rows}
    executed = {action.tobytes() for episode in transitions for action in episode.actions}
    drawn = buffer.sample(300)
    assert {action.tobytes() for action in drawn.actions.numpy()} <= executed
    assert 0.0 in drawn.rewards
