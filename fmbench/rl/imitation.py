"""An actor that learns from hindsight and imitates demonstrations at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3 import SAC
from torch.nn import functional

from fmbench.rl.demonstrations import Transitions


def imitate(agent: SAC, episodes: Sequence[Transitions], weight: float) -> None:
    """Add a loss of behaviour cloning to the actor of an agent, for all updates to come.

    Nair et al. 2018 (arXiv:1709.10089), equations 3 and 4, without their filter: the actor's
    gradient is that of stable-baselines3 plus `weight` times that of the mean squared difference
    between its mode and the expert's command, on a batch of demonstrated steps. Such a batch is
    drawn from numpy's global generator, as those of the replay buffer are.

    Args:
        agent: The agent; its class is unchanged, the gradient is added before its optimiser steps.
        episodes: The demonstrations.
        weight: Weight of the loss; the other one is in units of return, 20 at most here.
    """
    names = episodes[0].observations
    seen = {name: np.concatenate([e.observations[name][:-1] for e in episodes]) for name in names}
    commands = np.concatenate([episode.commands for episode in episodes])

    def add_gradient(*_: Any) -> None:
        drawn = np.random.randint(len(commands), size=agent.batch_size)  # noqa: NPY002, as theirs
        parts = agent.env.normalize_obs({name: values[drawn] for name, values in seen.items()})
        observations, _ = agent.policy.obs_to_tensor(parts)
        expert = torch.as_tensor(commands[drawn], device=agent.device)
        modes = agent.actor(observations, deterministic=True)
        loss = weight * functional.mse_loss(modes, expert)
        loss.backward()  # type: ignore[no-untyped-call]

    agent.actor.optimizer.register_step_pre_hook(add_gradient)
