"""Observation buffers of the environments: what each row observed last, and its reward."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from gymnasium.spaces import Dict

from envs.gym.goal_protocol import (
    check_goal_task,
    goal_observation_space,
    goal_observations,
    goal_reward,
)
from envs.gym.protocol import Array, make_spaces
from envs.task import FloatArray, IntArray
from envs.world import Outcome, World


class Observations(ABC):
    """The last observation of each row of a world.

    Attributes:
        space: Space of one row's observation.
    """

    space: Any

    @abstractmethod
    def update(self, rows: IntArray) -> None:
        """Observe rows now."""

    @abstractmethod
    def all_rows(self) -> Any:
        """Return a copy of every row's last observation."""

    @abstractmethod
    def row(self, row: int) -> Any:
        """Return a copy of one row's last observation."""

    def rewards(self, outcome: Outcome, rows: IntArray) -> FloatArray:
        """Return the rewards of rows that have just been observed, (n,)."""
        del rows
        return outcome.reward

    def close(self) -> None:  # noqa: B027  there is nothing to free without pictures
        """Free what observing needs; calling it twice is allowed."""


class FlatObservations(Observations):
    """The task's observation, (N, obs_dim) float32, and the task's reward."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.space = make_spaces(world.task)[0]
        self._values: Array = np.zeros((world.num_sims, world.task.obs_dim), dtype=np.float32)

    def update(self, rows: IntArray) -> None:
        """Observe rows now."""
        self._values[rows] = self._world.observe(rows)

    def all_rows(self) -> Array:
        """Return a copy of every row's last observation."""
        return self._values.copy()

    def row(self, row: int) -> Array:
        """Return a copy of one row's last observation."""
        values: Array = self._values[row]
        return values.copy()


class DictObservations(Observations):
    """A dictionary of arrays.

    Args:
        world: The world that is observed.
        space: Space of one row's observation.
    """

    def __init__(self, world: World, space: Dict) -> None:
        self._world, self.space = world, space
        self._values: dict[str, np.ndarray] = {
            name: np.zeros((world.num_sims, *(part.shape or ())), dtype=part.dtype)
            for name, part in space.spaces.items()
        }

    @abstractmethod
    def look(self, rows: IntArray) -> dict[str, np.ndarray]:
        """Return the observations of rows, each part with a leading dimension n."""

    def update(self, rows: IntArray) -> None:
        """Observe rows now."""
        for name, values in self.look(rows).items():
            self._values[name][rows] = values

    def all_rows(self) -> dict[str, np.ndarray]:
        """Return a copy of every row's last observation."""
        return {name: values.copy() for name, values in self._values.items()}

    def row(self, row: int) -> dict[str, np.ndarray]:
        """Return a copy of one row's last observation."""
        return {name: values[row].copy() for name, values in self._values.items()}


class GoalObservations(DictObservations):
    """Goal-conditioned observations, and the reward of reaching the goal.

    Raises:
        ValueError: The task has no goal.
    """

    def __init__(self, world: World) -> None:
        self._task = check_goal_task(world.task)
        super().__init__(world, goal_observation_space(self._task))

    def look(self, rows: IntArray) -> dict[str, np.ndarray]:
        """Return the observations of rows, all parts float32."""
        return dict(goal_observations(self._world, rows))

    def rewards(self, outcome: Outcome, rows: IntArray) -> FloatArray:
        """Return the rewards of rows that have just been observed, (n,)."""
        del outcome
        achieved, desired = self._values["achieved_goal"], self._values["desired_goal"]
        return goal_reward(self._task, achieved[rows], desired[rows])
