"""Define what a task with a goal says besides, so that another goal can be asked for in hindsight.

Hindsight experience replay (Andrychowicz et al. 2017, arXiv:1707.01495) replaces the goal of a
stored step by one that was reached. So the goal must stand apart from the observation, and the
reward must follow from the goal reached and the goal asked for alone.
"""

from abc import abstractmethod
from functools import cached_property
from typing import ClassVar

import numpy as np

from envs.rotations import distance
from envs.task import BoolArray, FloatArray, Task, View


class GoalTask(Task):
    """A task whose success is that what it reached lies near enough to what was asked for.

    Class attributes:
        goal_size: Numbers in a goal.
        goal_fields: Names of the observed fields that depend on the goal asked for; the
            goal-conditioned environment leaves them out of its `observation`.
    """

    goal_size: ClassVar[int]
    goal_fields: ClassVar[tuple[str, ...]]

    @abstractmethod
    def achieved_goal(self, view: View) -> FloatArray:
        """Return the goals that the rows have reached, (n, goal_size)."""

    @abstractmethod
    def desired_goal(self, view: View) -> FloatArray:
        """Return the goals that the rows are asked for, (n, goal_size)."""

    @abstractmethod
    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether goals (..., goal_size) count as the ones asked for, (...,).

        `Score.solved` implies it: at a solved step the goal reached is the one asked for.
        """

    @cached_property
    def goal_free_columns(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Which observed values do not depend on the goal asked for, (obs_dim,)."""
        keeps = [part.name not in self.goal_fields for part in self.fields()]
        return np.repeat(keeps, [part.size for part in self.fields()])


class PositionGoalTask(GoalTask):
    """A task whose goal is where the centre of an object shall be; it lies in the memory `goal`.

    Class attributes:
        tolerance_m: How near the centre must be to the place [m].
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
        """Return where the object's centre is, (n, 3) [m, world]."""
        return view.site_position(self.object_site)

    def desired_goal(self, view: View) -> FloatArray:
        """Return where it shall be, (n, 3) [m, world]."""
        return view.memory("goal")

    def reaches(self, achieved: FloatArray, desired: FloatArray) -> BoolArray:
        """Return whether centres are within the tolerance of each other, (...,)."""
        return np.asarray(distance(achieved, desired) < self.tolerance_m)
