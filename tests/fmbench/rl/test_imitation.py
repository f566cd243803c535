"""An actor that imitates gets the gradient of behaviour cloning besides that of its agent."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from stable_baselines3 import SAC

from fmbench.rl.agents import TrainingRequest, make_agent
from fmbench.rl.demonstrations import Transitions
from fmbench.rl.imitation import imitate
from fmbench.rl.state import begin
from tests.fmbench.rl.small_training import TASK, small_recipes

STEPS = 6


@pytest.fixture
def agent() -> Iterator[SAC]:
    torch.set_num_threads(1)
    with small_recipes():
        made = make_agent(TrainingRequest("sac_her", TASK, 60, 2, 0))
    assert isinstance(made, SAC)
    begin(made)
    yield made
    made.env.close()


def _episode(agent: SAC, command: float) -> Transitions:
    """Return an episode of the agent's first observation again and again, with one command."""
    last = agent.env.get_original_obs()
    observations = {name: np.repeat(values[:1], STEPS + 1, axis=0) for name, values in last.items()}
    commands = np.full((STEPS, *agent.action_space.shape), command, dtype=np.float32)
    noisy = (commands - 0.5).astype(np.float32)
    return Transitions(observations, noisy, commands, np.zeros(STEPS, dtype=np.float32))


def _stepped(agent: SAC) -> list[torch.Tensor]:
    """Return the gradients with which the actor's optimiser steps from gradients of zero."""
    parameters = list(agent.actor.parameters())
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    agent.actor.optimizer.step()
    return [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]


def test_the_added_gradient_is_that_of_the_mean_squared_difference(agent: SAC) -> None:
    imitate(agent, [_episode(agent, 0.5)], weight=3.0)
    parameters = list(agent.actor.parameters())
    seen = agent.env.normalize_obs(agent.env.get_original_obs())
    observation, _ = agent.policy.obs_to_tensor({name: value[:1] for name, value in seen.items()})
    loss = 3.0 * (agent.actor(observation, deterministic=True) - 0.5).square().mean()
    loss.backward()
    expected = [torch.zeros(1) if p.grad is None else p.grad.clone() for p in parameters]
    given = _stepped(agent)
    for mine, right in zip(given, expected, strict=True):
        torch.testing.assert_close(mine, right.expand_as(mine), rtol=1e-4, atol=1e-6)
    assert max(float(gradient.abs().max()) for gradient in given) > 0


def test_imitation_alone_leads_to_the_commands_of_the_expert(agent: SAC) -> None:
    imitate(agent, [_episode(agent, 0.5)], weight=10.0)
    for group in agent.actor.optimizer.param_groups:
        group["lr"] = 0.03
    for _ in range(150):
        _stepped(agent)
    actions, _ = agent.predict(
        agent.env.normalize_obs(agent.env.get_original_obs()), deterministic=True
    )
    assert np.abs(actions[0] - 0.5).max() < 0.05
