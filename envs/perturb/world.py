"""A world whose episodes are disturbed along one axis."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from envs.arrays import IntArray
from envs.perturb.axis import About, Axis, Float32Array
from envs.perturb.catalogue import AXES, split_text
from envs.perturb.models import ChangedModels
from envs.task import Task
from envs.world import STATE_STAGE, Outcome, World, check_actions


class PerturbedWorld(World):
    """N simulations of a task, each disturbed in the same way.

    An episode is a function of the task, its seed, the axis and the level. Experts, which read the
    state itself, meet everything but disturbed observations.

    Args:
        task: The task.
        num_sims: N.
        perturb: Axis and level, e.g. "mass=2".
        about: What the axis may need to know of policy and expert.
        num_threads: As in `World`.
        watch: Called with the world, the observed rows and what is observed at every observation.
    """

    def __init__(
        self,
        task: Task,
        num_sims: int,
        perturb: str,
        about: About,
        num_threads: int = 0,
        watch: Callable[[World, IntArray, Float32Array], None] | None = None,
    ) -> None:
        super().__init__(task, num_sims, num_threads)
        name, level = split_text(perturb)
        kind = axis_class(name)
        if lack := kind.lack(task):
            raise ValueError(f"{task.name} cannot be disturbed by {perturb}: {lack}")
        self.axis = kind(self, level, about)
        self._watch = watch
        self._start_streams = self.axis.start_streams(self._start_streams)
        if self.axis.model_fields:
            self._models = ChangedModels(self.batch, task, self.axis)
            self.model_fields = self._models.fields

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Reset `rows` to the initial states of the disturbed episodes; see `World`."""
        super().reset(rows, episode_seeds)
        if self.axis.reset(rows, episode_seeds):
            self.batch.forward(ids=np.sort(rows), stage=STATE_STAGE)
            self._look_back(rows)

    def observe(self, rows: IntArray) -> Float32Array:
        """Return what policies observe of `rows`, (n, obs_dim) float32."""
        observations = self.axis.observe(rows, super().observe(rows))
        if self._watch is not None:
            self._watch(self, rows, observations)
        return observations

    def step(self, rows: IntArray, actions: np.ndarray) -> Outcome:
        """Advance `rows` by one disturbed control step; see `World`."""
        check_actions(actions, (len(rows), self.task.act_dim))
        executed = self.axis.command(rows, actions)
        kicked = self.axis.kick(rows)
        if len(kicked):
            self.batch.forward(ids=np.sort(kicked), stage=STATE_STAGE)
        return super().step(rows, executed)


def axis_class(name: str) -> type[Axis]:
    """Return the class of an axis.

    Raises:
        KeyError: There is no such axis.
    """
    module, _, kind = AXES[name].place.partition(":")
    found: Any = getattr(importlib.import_module(module), kind)
    axis: type[Axis] = found
    return axis


def lack_of(task: Task, perturb: str) -> str:
    """Return why a task cannot be disturbed by an axis and level; "" if it can."""
    return axis_class(split_text(perturb)[0]).lack(task)
