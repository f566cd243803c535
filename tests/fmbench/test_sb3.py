"""stable-baselines3 trains on the Gymnasium ids, and its models act in the harness."""

import numpy as np
import pytest
from stable_baselines3 import PPO

import fmbench  # noqa: F401  registers the ids
from envs.registry import make_task
from envs.world import World
from fmbench.sb3_agent import SB3Agent


@pytest.mark.slow
@pytest.mark.thorough
def test_ppo_learns_from_id_and_acts_in_world() -> None:
    model = PPO("MlpPolicy", "fmbench/LiftCube-v0", n_steps=256, n_epochs=2, seed=0, device="cpu")
    model.learn(2000)
    world, agent = World(make_task("LiftCube"), 3, 1), SB3Agent(model)
    rows = np.array([2, 0])
    world.reset(rows, np.array([1, 2]))
    agent.reset(rows, np.array([1, 2]))
    assert (agent.obs_horizon, agent.exec_horizon) == (1, 1)
    for _ in range(5):
        observations = world.observe(rows)
        actions, nfe = agent.act(rows, observations[:, None])
        assert actions.shape == (2, 1, 20)
        assert actions.dtype == np.float32
        assert nfe.tolist() == [1, 1]
        assert np.allclose(actions[:, 0], model.predict(observations, deterministic=True)[0])
        world.step(rows, actions[:, 0])
