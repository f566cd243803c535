"""Observation buffers of the vector environments, flat or goal-conditioned."""

from typing import Any

import numpy as np

from envs.gym.goal_protocol import (
    check_goal_task,
    goal_observation_space,
    goal_observations,
    goal_reward,
)
from envs.gym.protocol import Array, make_spaces
from envs.task import FloatArray, IntArray
from envs.world import Outcome, World


class FlatObservations:
    """The last observation of each of N rows, (N, obs_dim) float32, and the task's reward.

    Attributes:
        space: Space of one row's observation.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.space: Any = make_spaces(world.task)[0]
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

    def rewards(self, outcome: Outcome, rows: IntArray) -> FloatArray:
        """Return the rewards of rows that have just been observed, (n,)."""
        del rows
        return outcome.reward


class GoalObservations:
    """The last goal-conditioned observation of each row, and the reward of reaching the goal.

    Raises:
        ValueError: The task has no goal.
    """

    def __init__(self, world: World) -> None:
        self._world, self._task = world, check_goal_task(world.task)
        self.space: Any = goal_observation_space(self._task)
        goal_size, n = self._task.goal_size, world.num_sims
        sizes = {"observation": int(self._task.goal_free_columns.sum())}
        sizes |= {"achieved_goal": goal_size, "desired_goal": goal_size}
        self._values: dict[str, Array] = {
            name: np.zeros((n, size), dtype=np.float32) for name, size in sizes.items()
        }

    def update(self, rows: IntArray) -> None:
        """Observe rows now."""
        for name, values in goal_observations(self._world, rows).items():
            self._values[name][rows] = values

    def all_rows(self) -> dict[str, Array]:
        """Return a copy of every row's last observation."""
        return {name: values.copy() for name, values in self._values.items()}

    def row(self, row: int) -> dict[str, Array]:
        """Return a copy of one row's last observation."""
        return {name: values[row].copy() for name, values in self._values.items()}

    def rewards(self, outcome: Outcome, rows: IntArray) -> FloatArray:
        """Return the rewards of rows that have just been observed, (n,)."""
        del outcome
        achieved, desired = self._values["achieved_goal"], self._values["desired_goal"]
        return goal_reward(self._task, achieved[rows], desired[rows])
