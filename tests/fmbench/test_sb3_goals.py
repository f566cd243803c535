"""An agent of stable-baselines3 that was trained on goals acts in the harness."""

from typing import Any

import numpy as np
import pytest

from envs.registry import make_task
from envs.world import World
from fmbench.harness.rollout import rollout
from fmbench.rl.agents import make_agent
from fmbench.sb3_agent import SB3Agent
from tests.fmbench.rl.small_training import REQUESTS, TASK, small_recipes

SEEDS = [2_000_000, 2_000_001]


@pytest.fixture(scope="module")
def agent() -> Any:
    with small_recipes():
        made = make_agent(REQUESTS["sac_her"])
    envs = made.get_env()
    envs.seed(5)
    envs.reset()
    for _ in range(20):  # statistics that change observations
        envs.step(np.zeros((2, 14), np.float32))
    return made


def test_it_observes_what_its_environment_gives(agent: Any) -> None:
    normal = agent.get_vec_normalize_env()
    envs = normal.unwrapped
    envs.seed(SEEDS[0])
    observations, results, running = envs.reset(), {}, {0, 1}
    while running:
        actions, _ = agent.predict(normal.normalize_obs(observations), deterministic=True)
        observations, _, ended, infos = envs.step(actions)
        for row in [row for row in running if ended[row]]:
            results[SEEDS[row]] = infos[row]
            running.discard(row)
    world = World(make_task(TASK), 2)
    # In batches of the same size, because networks round differently at others.
    policy = SB3Agent(agent, world=world, prepare=normal.normalize_obs, batch=len(SEEDS))
    for episode in rollout(world, policy, np.array(SEEDS)):
        info = results[episode.episode_seed]
        assert (episode.error, episode.success) == ("", info["success"])
        assert episode.progress == info["progress"]
        assert episode.nfe == 1.0


def test_an_action_depends_on_no_other_row_and_costs_one_evaluation(agent: Any) -> None:
    world = World(make_task(TASK), 5)
    world.reset(world.all_rows, np.arange(5))
    policy = SB3Agent(agent, world=world, prepare=agent.get_vec_normalize_env().normalize_obs)
    calls: list[int] = []
    hook = agent.actor.mu.register_forward_hook(lambda *_: calls.append(1))
    observations = world.observe(world.all_rows)[:, None]
    together, nfe = policy.act(world.all_rows, observations)
    assert len(calls) == 1
    assert nfe.tolist() == [1] * 5
    for row in (0, 3):
        alone, _ = policy.act(np.array([row]), observations[[row]])
        assert np.array_equal(alone[0], together[row])
    hook.remove()
    small = SB3Agent(
        agent, world=world, prepare=agent.get_vec_normalize_env().normalize_obs, batch=2
    )
    assert np.allclose(small.act(world.all_rows, observations)[0], together, atol=1e-5)


def test_a_world_without_a_goal_is_refused(agent: Any) -> None:
    with pytest.raises(ValueError, match="PressEither has no goal"):
        SB3Agent(agent, world=World(make_task("PressEither")))
