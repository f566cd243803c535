"""The interface of an axis: what one disturbance does to the simulations of a world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from envs.arrays import FloatArray, IntArray
from envs.episode_streams import EpisodeStreams
from envs.task import Task
from envs.world import World

Float32Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


def _no_expert() -> int:
    raise ValueError("an axis needs the expert's time, which is not known here")


@dataclass(frozen=True)
class About:
    """What an axis may need to know beside the world.

    Attributes:
        scale: Spread of every observed value in the policy's demonstrations, (obs_dim,).
        mean: Their mean, (obs_dim,).
        expert_steps: Returns the median number of control steps that the expert needs.
    """

    scale: FloatArray = field(default_factory=lambda: np.ones(1))
    mean: FloatArray = field(default_factory=lambda: np.zeros(1))
    expert_steps: Callable[[], int] = _no_expert


class Axis:
    """One disturbance of all simulations of a world; subclasses override what they change.

    What it does to an episode is a function of the task, the episode seed, the axis and the level.
    It draws from a stream of its own, `streams`, so that everything else in the episode is drawn as
    without it.

    Class attributes:
        model_fields: Fields of `MjModel`, or of its options (`opt.gravity`), that `change` changes.

    Args:
        world: The world.
        level: The level.
        about: What is known of policy and expert.

    Attributes:
        streams: The random streams of the episodes for this axis, whatever the level.
    """

    model_fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, world: World, level: float, about: About) -> None:
        self.world, self.task, self.level, self.about = world, world.task, level, about
        self.streams = EpisodeStreams(world.task, f"perturb {type(self).__name__}")

    @classmethod
    def lack(cls, task: Task) -> str:
        """Return why a task cannot be disturbed so, e.g. "it has no object"; "" if it can."""
        del task
        return ""

    def start_streams(self, streams: EpisodeStreams) -> EpisodeStreams:
        """Return the streams from which initial states are drawn, by default the task's."""
        return streams

    def change(self, values: dict[str, FloatArray]) -> None:
        """Change the undisturbed values of `model_fields`, each (n, ...), in place."""
        del values

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> bool:
        """Start episodes; return whether their states were changed.

        Args:
            rows: Rows of the world, (n,), reset as without disturbance.
            episode_seeds: Their episodes, (n,).
        """
        del rows, episode_seeds
        return False

    def observe(self, rows: IntArray, observations: Float32Array) -> Float32Array:
        """Return what a policy observes, (n, obs_dim), instead of the true observations.

        The number of control steps done is `world.step_count[rows]`. A second call at the same step
        must return the same.
        """
        del rows
        return observations

    def command(self, rows: IntArray, actions: np.ndarray) -> np.ndarray:
        """Return the actions, (n, act_dim) in [-1, 1], that are executed instead of the given."""
        del rows
        return actions

    def kick(self, rows: IntArray) -> IntArray:
        """Change states before a control step; return those of `rows` that were changed."""
        return rows[:0]
