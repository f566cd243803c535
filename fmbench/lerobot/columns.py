"""An observation as LeRobot's two states: the robot's own, and the scaled one of its environment.

The environment state is what a picture of the scene shows: objects and goals. LeRobot's ACT and
diffusion policies normalise the robot's state, but not this one, so it is written standardised.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from envs.task import BoolArray, FloatArray, Task
from fmbench.harness.rollout import Float32Array

STD_FLOOR = 1e-3
"""Smallest divisor: the jitter of a value at rest is not scaled up to unit size."""


def state_names(task: Task) -> list[str]:
    """Return a name for each value of the robot's own state."""
    return _names(task, task.agent_columns)


def environment_names(task: Task) -> list[str]:
    """Return a name for each value of the environment state."""
    return _names(task, ~task.agent_columns)


def _names(task: Task, columns: BoolArray) -> list[str]:
    names = [
        part.name if part.size == 1 else f"{part.name}.{k}"
        for part in task.fields()
        for k in range(part.size)
    ]
    return [name for name, is_chosen in zip(names, columns.tolist(), strict=True) if is_chosen]


def field_table(task: Task) -> list[dict[str, Any]]:
    """Return the fields of a task's observation as JSON values: name, size, unit, limit, place."""
    return [
        {
            "name": part.name,
            "size": part.size,
            "unit": part.unit,
            "limit": part.limit,
            "environment": part.pictured,
        }
        for part in task.fields()
    ]


def joined(task: Task, state: Float32Array, environment: Float32Array) -> Float32Array:
    """Return observations `(n, obs_dim)` of both states, both in the task's units."""
    observations = np.empty((len(state), task.obs_dim), dtype=np.float32)
    observations[:, task.agent_columns] = state
    observations[:, ~task.agent_columns] = environment
    return observations


@dataclass(frozen=True)
class Scaling:
    """An affine map per value: `scaled = (raw - offset) / divisor`.

    Attributes:
        offset: Means, `(k,)`.
        divisor: Standard deviations, at least `STD_FLOOR`, `(k,)`.
    """

    offset: FloatArray
    divisor: FloatArray

    def apply(self, raw: Float32Array) -> Float32Array:
        """Return scaled values, `(n, k)`."""
        scaled: Float32Array = ((raw - self.offset) / self.divisor).astype(np.float32)
        return scaled

    def undo(self, scaled: Float32Array) -> Float32Array:
        """Return values in their units again, `(n, k)`, up to the rounding of float32."""
        raw: Float32Array = (scaled * self.divisor + self.offset).astype(np.float32)
        return raw

    def to_json(self) -> dict[str, list[float]]:
        """Return the map as JSON values."""
        return {"offset": self.offset.tolist(), "divisor": self.divisor.tolist()}


class Moments:
    """Mean and standard deviation of values that arrive in parts, in float64.

    Parts are merged as by Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise
    algorithm for computing sample variances", equation 2.1.
    """

    def __init__(self, size: int) -> None:
        self._count = 0
        self._mean, self._squares = np.zeros(size), np.zeros(size)

    def add(self, values: Float32Array) -> Self:
        """Take rows, `(n, size)`."""
        part = values.astype(np.float64)
        count, mean = len(part), part.mean(axis=0)
        apart, total = mean - self._mean, self._count + count
        self._squares += ((part - mean) ** 2).sum(axis=0)
        self._squares += apart**2 * (self._count * count / total)
        self._mean += apart * (count / total)
        self._count = total
        return self

    def scaling(self) -> Scaling:
        """Return the map that standardises what was added."""
        std = np.sqrt(self._squares / max(self._count, 1))
        return Scaling(self._mean.copy(), np.maximum(std, STD_FLOOR))
