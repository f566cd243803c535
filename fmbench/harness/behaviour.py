"""What an episode says beyond its success: contact forces, drops, and the furthest stage."""

import numpy as np

from envs.arrays import BoolArray, IntArray
from envs.contact_forces import ContactForces
from envs.stages import START, stages_of
from envs.world import Outcome, World
from fmbench.harness.episode import Episode

FORCE_DIGITS = 4
"""Significant digits of a peak contact force: more would only make rows longer."""
RESIZED = "geom_size"
"""The field of the model that differs where a disturbance changes the size of an object."""


class Behaviour:
    """Measures of the episodes in the rows of a world, read from its states.

    They change nothing in the episodes. Forces need a world of `envs.contact_forces.sensing`,
    stages and drops a task that has stages, with objects of its own sizes; what is not there is
    not measured.

    Args:
        world: The world.
    """

    def __init__(self, world: World) -> None:
        n = world.num_sims
        # Stages know the task's sizes, not those of an object that a disturbance has resized.
        is_resized = RESIZED in {*world.model_fields} - {*world.task.model_fields}
        self._world, self._stages = world, None if is_resized else stages_of(world.task)
        self._forces = ContactForces(world)
        self._peak = np.zeros(n)
        self._reached: IntArray = np.zeros(n, dtype=np.int64)  # number of stages
        self._drops: IntArray = np.zeros(n, dtype=np.int64)
        self._carried: BoolArray | None = None  # (n, objects), from the first step on

    def begin(self, rows: IntArray) -> None:
        """Start episodes in `rows`, (n,)."""
        self._peak[rows] = 0.0
        self._reached[rows] = self._drops[rows] = 0
        if self._carried is not None:
            self._carried[rows] = False

    def record(self, rows: IntArray, outcome: Outcome) -> None:
        """Measure `rows`, (n,), after a control step; simulations that have diverged are left."""
        stable = ~outcome.unstable
        rows, success = rows[stable], outcome.success[stable]
        if not len(rows):
            return
        if self._forces.is_there:
            self._peak[rows] = np.maximum(self._peak[rows], self._forces.largest(rows))
        if self._stages is not None:
            self._record_stages(rows, success)

    def finish(self, row: int, episode: Episode) -> None:
        """Write what was measured into the completed episode of a row."""
        if self._forces.is_there:
            episode.peak_contact_force = float(f"{self._peak[row]:.{FORCE_DIGITS}g}")
        if self._stages is not None:
            reached = int(self._reached[row])
            episode.stages_reached = reached
            episode.stage = (START, *self._stages.names)[reached]
            if self._stages.carry is not None:
                episode.drops = int(self._drops[row])

    def _record_stages(self, rows: IntArray, success: BoolArray) -> None:
        assert self._stages is not None
        task, view = self._world.task, self._world.view(rows)
        reached = self._reached[rows]
        conditions = (*self._stages.reached(task, view), success)
        for number, condition in enumerate(conditions, start=1):
            reached = np.where(condition, np.maximum(reached, number), reached)
        self._reached[rows] = reached
        if self._stages.carry is not None:
            held, free, placed = self._stages.carry(task, view)
            if self._carried is None:
                self._carried = np.zeros((self._world.num_sims, held.shape[1]), dtype=np.bool_)
            carried = self._carried[rows] | held
            self._drops[rows] += (carried & free & ~placed).sum(axis=1)
            self._carried[rows] = carried & ~free
