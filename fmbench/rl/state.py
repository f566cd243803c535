"""Everything that a training changes, as tensors and numbers: kept and restored exactly.

The tensors of an agent share memory with it, so that restoring is copying into them. They are in
three groups: what is needed to act, what is needed besides to train on, and the replay buffer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import NonNegativeInt
from stable_baselines3 import SAC
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize
from torch import Tensor

from envs.gym.saved_episodes import (
    generator_words,
    restore_episodes,
    save_episodes,
    set_generator,
)
from fmbench.rl.agents import Agent
from fmbench.rl.vec_env import SB3VecEnv
from fmbench.storage.typed import STRICT

Tensors = dict[str, Tensor]
NUMPY_KEYS = 624
"""Words of numpy's global generator, MT19937."""
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass(frozen=True)
class Counters:
    """The numbers of a training that are no arrays.

    Attributes:
        steps: Environment steps.
        updates: Updates of the networks, as stable-baselines3 counts them.
        episodes: Completed episodes; PPO does not count them.
        returns: Returns of the last completed episodes.
        lengths: Their control steps.
        successes: Whether the last completed episodes succeeded.
        counts: Count of each running mean of `VecNormalize`, by name.
        replay_rows: Filled rows of the replay buffer, each with a transition of every environment.
        replay_place: The row that is filled next.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    steps: NonNegativeInt
    updates: NonNegativeInt
    episodes: NonNegativeInt
    returns: list[float]
    lengths: list[NonNegativeInt]
    successes: list[bool]
    counts: dict[str, float]
    replay_rows: NonNegativeInt
    replay_place: NonNegativeInt

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def counters(agent: Agent) -> Counters:
    """Return the numbers of an agent that has started to train."""
    infos = list(agent.ep_info_buffer)
    buffer = agent.replay_buffer if isinstance(agent, SAC) else None
    return Counters(
        steps=agent.num_timesteps,
        updates=agent._n_updates,
        episodes=agent._episode_num,
        returns=[float(info["r"]) for info in infos],
        lengths=[int(info["l"]) for info in infos],
        successes=[bool(success) for success in agent.ep_success_buffer],
        counts={name: float(mean.count) for name, mean in _running_means(agent).items()},
        replay_rows=0 if buffer is None else buffer.size(),
        replay_place=0 if buffer is None else buffer.pos,
    )


def acting_tensors(agent: Agent) -> Tensors:
    """Return the weights, and the means and variances that normalise observations."""
    tensors = {f"weights.{name}": value for name, value in agent.policy.state_dict().items()}
    for name, mean in _running_means(agent).items():
        tensors[f"normal.{name}.mean"] = _shared(mean, "mean")
        tensors[f"normal.{name}.var"] = _shared(mean, "var")
    return tensors


def training_tensors(agent: Agent) -> Tensors:
    """Return what an agent needs besides to train on, but for the replay buffer."""
    normal, monitor = _normal(agent), _monitor(agent)
    tensors = _optimizer_tensors(agent)
    if isinstance(agent, SAC):
        tensors["log_ent_coef"] = agent.log_ent_coef
        tensors["replay.episode_start"] = torch.from_numpy(agent.replay_buffer._current_ep_start)
    tensors |= _observed("last", agent._last_obs)
    tensors |= _observed("last_original", agent._last_original_obs)
    tensors["starts"] = torch.from_numpy(agent._last_episode_starts)
    tensors["returns"] = torch.from_numpy(normal.returns)
    tensors["monitor.returns"] = torch.from_numpy(monitor.episode_returns)
    tensors["monitor.lengths"] = torch.from_numpy(monitor.episode_lengths)
    return tensors


def replay_tensors(agent: Agent, rows: int) -> Tensors:
    """Return the first rows of the replay buffer; nothing where there is none."""
    if not isinstance(agent, SAC):
        return {}
    buffer = agent.replay_buffer
    arrays = {name: getattr(buffer, name) for name in ("actions", "rewards", "dones", "timeouts")}
    arrays |= {name: getattr(buffer, name) for name in ("ep_start", "ep_length")}
    arrays |= {f"observations.{k}": values for k, values in buffer.observations.items()}
    arrays |= {f"next.{k}": values for k, values in buffer.next_observations.items()}
    return {name: torch.from_numpy(values[:rows]) for name, values in arrays.items()}


def drawing_tensors(agent: Agent) -> Tensors:
    """Return a copy of the running episodes and of all generators."""
    episodes = save_episodes(_envs(agent).envs)
    _, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002, theirs
    tensors = {f"episodes.{name}": torch.from_numpy(value) for name, value in episodes.items()}
    tensors["random.numpy"] = torch.from_numpy(np.array([*keys, place, has_gauss], dtype=np.int64))
    tensors["random.numpy_gauss"] = torch.tensor([gauss], dtype=torch.float64)
    tensors["random.actions"] = torch.from_numpy(generator_words(agent.action_space.np_random))
    tensors["random.torch"] = torch.get_rng_state()
    if agent.device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(agent.device)
    return tensors


def begin(agent: Agent) -> None:
    """Start the episodes of an agent, as its first `learn` would do."""
    agent.ep_info_buffer = deque(maxlen=agent._stats_window_size)
    agent.ep_success_buffer = deque(maxlen=agent._stats_window_size)
    agent._last_obs = agent.env.reset()
    agent._last_episode_starts = np.ones((agent.n_envs,), dtype=np.bool_)
    agent._last_original_obs = _normal(agent).get_original_obs()


def prepare(agent: Agent, saved: Counters) -> None:
    """Give an agent that has begun the numbers of another, and tensors of the same shapes."""
    agent.num_timesteps, agent._n_updates = saved.steps, saved.updates
    agent._episode_num = saved.episodes
    agent.ep_info_buffer.extend(
        {"r": np.float32(r), "l": length, "t": 0.0}
        for r, length in zip(saved.returns, saved.lengths, strict=True)
    )
    agent.ep_success_buffer.extend(saved.successes)
    for name, mean in _running_means(agent).items():
        mean.count = saved.counts[name]
    if isinstance(agent, SAC):
        agent.replay_buffer.pos = saved.replay_place
        agent.replay_buffer.full = saved.replay_rows == agent.replay_buffer.buffer_size
    if saved.updates:
        for optimizer in _optimizers(agent).values():
            _begin_moments(optimizer)


def restore_drawing(agent: Agent, tensors: Mapping[str, Tensor]) -> None:
    """Continue the episodes and generators of `drawing_tensors`."""
    episodes = {
        name.removeprefix("episodes."): value.numpy()
        for name, value in tensors.items()
        if name.startswith("episodes.")
    }
    restore_episodes(_envs(agent).envs, episodes)
    words = tensors["random.numpy"].tolist()
    keys = np.array(words[:NUMPY_KEYS], dtype=np.uint32)
    gauss = float(tensors["random.numpy_gauss"])
    np.random.set_state(("MT19937", keys, words[-2], words[-1], gauss))  # noqa: NPY002
    set_generator(agent.action_space.np_random, tensors["random.actions"].numpy())
    torch.set_rng_state(tensors["random.torch"])
    if agent.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"], agent.device)


def _normal(agent: Agent) -> VecNormalize:
    normal = agent.get_vec_normalize_env()
    assert normal is not None
    return normal


def _monitor(agent: Agent) -> VecMonitor:
    monitor = _normal(agent).venv
    assert isinstance(monitor, VecMonitor)
    return monitor


def _envs(agent: Agent) -> SB3VecEnv:
    envs = _monitor(agent).unwrapped
    assert isinstance(envs, SB3VecEnv)
    return envs


def _running_means(agent: Agent) -> dict[str, Any]:
    """Return the running means and variances, of observations by name and of returns."""
    normal = _normal(agent)
    observed = (
        normal.obs_rms if isinstance(normal.obs_rms, dict) else {"observation": normal.obs_rms}
    )
    return {**observed, "returns": normal.ret_rms}


def _shared(holder: Any, name: str) -> Tensor:
    """Return an attribute as a tensor that shares its memory, made an array if it is a number."""
    values = np.asarray(getattr(holder, name), dtype=np.float64)
    setattr(holder, name, values)
    return torch.from_numpy(values)


def _observed(name: str, observations: Any) -> Tensors:
    parts = observations if isinstance(observations, dict) else {"observation": observations}
    return {f"{name}.{key}": torch.from_numpy(values) for key, values in parts.items()}


def _optimizers(agent: Agent) -> dict[str, torch.optim.Optimizer]:
    if not isinstance(agent, SAC):
        return {"policy": agent.policy.optimizer}
    return {
        "actor": agent.actor.optimizer,
        "critic": agent.critic.optimizer,
        "ent_coef": agent.ent_coef_optimizer,
    }


def _optimizer_tensors(agent: Agent) -> Tensors:
    return {
        f"{name}.{k}.{moment}": value
        for name, optimizer in _optimizers(agent).items()
        for k, by in optimizer.state_dict()["state"].items()
        for moment, value in by.items()
    }


def _begin_moments(optimizer: torch.optim.Optimizer) -> None:
    """Give an optimiser of the kind Adam moments, so that saved ones can be copied into them."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            optimizer.state[parameter] = {
                "step": torch.zeros((), dtype=torch.float32),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
