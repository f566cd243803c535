"""Goal-conditioned tasks: achieved and desired goals, for hindsight relabelling.

Hindsight experience replay (Andrychowicz et al. 2017, arXiv:1707.01495) replaces the goal of a
stored step by one that was achieved. The goal must therefore be separate from the observation, and
the reward must be a function of the achieved and the desired goal alone.
"""

from abc import abstractmethod
from functools import cached_property
from typing import ClassVar

import numpy as np

from envs.rotations import distance
from envs.task import BoolArray, FloatArray, Task, View


class GoalTask(Task):
    """A task that is solved only when the achieved goal is near enough to the desired goal.

    Class attributes:
        goal_size: Number of values in a goal.
        goal_fields: Names of the observed fields that depend on the desired goal; the
            goal-conditioned environment excludes them from its `observation`.
    """

    goal_size: ClassVar[int]
    goal_fields: ClassVar[tuple[str, ...]]

    @abstractmethod
    def achieved_goal(self, view: View) -> FloatArray:
        """Return the rows' achieved goals, (n, goal_size)."""

    @abstractmethod
    def desired_goal(self, view: View) -> FloatArray:
        """Return the rows' desired goals, (n, goal_size)."""

    @abstractmethod
    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether achieved goals (..., goal_size) count as the desired ones, (...,).

        `Score.solved` implies it: at a solved step the desired goal is reached.
        """

    @cached_property
    def goal_free_columns(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Which observed values do not depend on the desired goal, (obs_dim,)."""
        keeps = [part.name not in self.goal_fields for part in self.fields()]
        return np.repeat(keeps, [part.size for part in self.fields()])


class PositionGoalTask(GoalTask):
    """A task whose goal is a position for an object's centre, stored in the memory `goal`.

    Class attributes:
        tolerance_m: Largest distance of the centre from the goal position [m].
        object_name: Name of the site at the object's centre.
    """

    goal_size = 3
    tolerance_m: ClassVar[float]
    object_name: ClassVar[str]

    @cached_property
    def object_site(self) -> int:
        """Id of the site at the object's centre."""
        return int(self.model.site(self.object_name).id)

    def achieved_goal(self, view: View) -> FloatArray:
        """Return the position of the object's centre, (n, 3) [m, world]."""
        return view.site_position(self.object_site)

    def desired_goal(self, view: View) -> FloatArray:
        """Return the goal position of the object's centre, (n, 3) [m, world]."""
        return view.memory("goal")

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether centres are within the tolerance of each other, (...,)."""
        return np.asarray(distance(achieved, desired) < self.tolerance_m)
