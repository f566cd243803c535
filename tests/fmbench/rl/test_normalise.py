"""Hindsight learns from goals as they were achieved, and sees them as it sees desired ones."""

import numpy as np
import torch
from stable_baselines3 import SAC

from envs.gym.protocol import DRAWN_SEEDS
from envs.registry import goal_id
from fmbench.rl.agents import make_agent, make_envs
from fmbench.rl.state import begin
from fmbench.rl.vec_env import make_sb3_envs
from tests.fmbench.rl.small_training import REQUESTS, small_recipes

CLIP = 0.01


def test_a_goal_looks_the_same_desired_or_achieved() -> None:
    envs, goals = make_envs(REQUESTS["sac_her"]), ("achieved_goal", "desired_goal")
    envs.reset()
    given = {name: [envs.get_original_obs()[name]] for name in goals}
    for _ in range(20):
        envs.step(np.ones((2, 14), np.float32))
        for name in goals:
            given[name].append(envs.get_original_obs()[name])
    last = envs.get_original_obs()
    for one, other in (goals, goals[::-1]):
        same = envs.normalize_obs({**last, other: last[one]})
        assert np.array_equal(same[one], same[other])
    both = np.concatenate([*given["achieved_goal"], *given["desired_goal"]])
    assert np.allclose(envs.obs_rms["desired_goal"].mean, both.mean(axis=0), atol=1e-5)
    assert np.allclose(envs.obs_rms["desired_goal"].var, both.var(axis=0), atol=1e-5)


def test_ends_of_episodes_are_stored_unclipped() -> None:
    request = REQUESTS["sac_her"]
    torch.set_num_threads(1)
    with small_recipes():
        agent = make_agent(request)
    agent.env.clip_obs = CLIP
    begin(agent)
    agent.learn(60 * request.num_envs, log_interval=None, reset_num_timesteps=False)
    assert isinstance(agent, SAC)
    buffer = agent.replay_buffer
    assert buffer.dones[59].all()

    plain = make_sb3_envs(goal_id(request.task), request.num_envs)
    plain.seed(DRAWN_SEEDS[0] + request.train_seed * request.num_envs)
    plain.reset()
    for actions in buffer.actions[:60]:
        _, _, _, infos = plain.step(actions)
    for row, info in enumerate(infos):
        end = info["terminal_observation"]
        clipped = agent.env.normalize_obs(end)
        assert all(np.abs(values).max() <= np.float32(CLIP) for values in clipped.values())
        lossy = agent.env.unnormalize_obs(clipped)
        for name, values in end.items():
            assert np.array_equal(buffer.next_observations[name][59, row], values)
            assert not np.allclose(lossy[name], values)
