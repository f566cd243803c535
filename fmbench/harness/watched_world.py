"""A world whose states are seen whenever they are observed, for pictures of what a policy saw."""

from collections.abc import Callable
from typing import TypeAlias

from envs.task import IntArray, Task
from envs.world import World
from fmbench.harness.rollout import Float32Array

Watch: TypeAlias = Callable[[World, IntArray, Float32Array], None]
"""Called with the world, its observed rows `(n,)` and their observations `(n, obs_dim)`."""


class WatchedWorld(World):
    """A world that calls a function at every observation; the episodes are those of `World`.

    The rollout observes each row once after its reset and once after each of its control steps.

    Args:
        task: The task.
        num_sims: Number of simulations.
        watch: Called at every observation, before the next step.
    """

    def __init__(self, task: Task, num_sims: int, watch: Watch) -> None:
        super().__init__(task, num_sims)
        self._watch = watch

    def observe(self, rows: IntArray) -> Float32Array:
        """Return the observations of `rows`, (n, obs_dim) float32."""
        observations = super().observe(rows)
        self._watch(self, rows, observations)
        return observations
