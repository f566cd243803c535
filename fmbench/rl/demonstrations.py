"""Demonstrations in the replay buffer of an agent that learns from goals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3 import SAC

from envs.gym.goal_protocol import check_goal_task, goal_reward, goals
from envs.registry import make_task
from envs.task import IntArray
from envs.world import World
from fmbench.data.replay import replay
from fmbench.data.store import Demonstrations
from fmbench.harness.rollout import Float32Array

GOALS = ("achieved_goal", "desired_goal")


@dataclass(frozen=True)
class Transitions:
    """The transitions of one episode of T control steps, as its goal environment gives them.

    Attributes:
        observations: Each part of the observation, `(T + 1, size)` float32.
        actions: The executed actions, `(T, act_dim)` float32.
        commands: The expert's actions before noise, `(T, act_dim)` float32.
        rewards: `(T,)` float32.
    """

    observations: dict[str, Float32Array]
    actions: Float32Array
    commands: Float32Array
    rewards: Float32Array


def demonstrated_transitions(
    task_name: str, demonstrations: Demonstrations, on_episode: Callable[[int], None]
) -> list[Transitions]:
    """Return the transitions of all demonstrations, whose goals are read in a replay.

    Args:
        task_name: Their task, which has a goal.
        demonstrations: E episodes.
        on_episode: Called with the number of replayed episodes.

    Raises:
        ValueError: The task has no goal.
        RunFailed: An observation of the replay is not exactly the stored one.
    """
    task = check_goal_task(make_task(task_name))
    count = len(demonstrations.observations)
    seen = {name: np.zeros((count, task.goal_size), np.float32) for name in GOALS}

    def keep(world: World, rows: IntArray, places: IntArray) -> None:
        for name, values in goals(world, rows).items():
            seen[name][places] = values

    replay(task, demonstrations, keep, on_episode)
    seen["observation"] = demonstrations.observations[:, task.goal_free_columns]
    reached = goal_reward(task, seen["achieved_goal"], seen["desired_goal"]).astype(np.float32)
    episodes, first, step = [], 0, 0
    for length in demonstrations.lengths.tolist():
        places = slice(first, first + length + 1)
        parts = {name: values[places] for name, values in seen.items()}
        steps = slice(step, step + length)
        actions, commands = demonstrations.executed[steps], demonstrations.actions[steps]
        episodes.append(Transitions(parts, actions, commands, reached[places][1:]))
        first, step = first + length + 1, step + length
    return episodes


def shared_out(episodes: list[Transitions], num_envs: int) -> list[list[Transitions]]:
    """Return episodes in one queue for each environment, each in the one that is shortest so far.

    A replay buffer has a column for each environment.
    """
    queues: list[list[Transitions]] = [[] for _ in range(num_envs)]
    sizes = [0] * num_envs
    for episode in episodes:
        place = sizes.index(min(sizes))
        queues[place].append(episode)
        sizes[place] += len(episode.rewards)
    return queues


def rows_of(episodes: list[Transitions], num_envs: int) -> int:
    """Return the rows that episodes take in a replay buffer of so many environments."""
    return max(sum(len(e.rewards) for e in queue) for queue in shared_out(episodes, num_envs))


def fill_buffer(agent: SAC, episodes: list[Transitions]) -> None:
    """Put demonstrations, all of which succeed, into the empty replay buffer of an agent.

    What is left at the end of a shorter column belongs to no complete episode, and is never drawn.
    """
    buffer = agent.replay_buffer
    queues = shared_out(episodes, buffer.n_envs)
    for row in range(rows_of(episodes, buffer.n_envs)):
        steps = [_step(queue, row) for queue in queues]
        filler = next(step for step in steps if step is not None)
        blank = {**filler, "done": False}
        chosen = [blank if step is None else step for step in steps]
        buffer.add(
            _stacked([step["observation"] for step in chosen]),
            _stacked([step["next"] for step in chosen]),
            np.stack([step["action"] for step in chosen]),
            np.array([step["reward"] for step in chosen]),
            np.array([step["done"] for step in chosen]),
            [{}] * buffer.n_envs,
        )
    buffer._current_ep_start[:] = buffer.pos


def _step(queue: list[Transitions], row: int) -> dict[str, Any] | None:
    """Return the transition of a queue in a row of the buffer; None after its end."""
    for episode in queue:
        if row < len(episode.rewards):
            return {
                "observation": {k: values[row] for k, values in episode.observations.items()},
                "next": {k: values[row + 1] for k, values in episode.observations.items()},
                "action": episode.actions[row],
                "reward": episode.rewards[row],
                "done": row == len(episode.rewards) - 1,
            }
        row -= len(episode.rewards)
    return None


def _stacked(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}
