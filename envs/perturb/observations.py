"""Axes of what a policy observes: noise, delay, loss, and a field that is hidden."""

import numpy as np

from envs.arrays import BoolArray, FloatArray, IntArray
from envs.perturb.axis import About, Axis, Float32Array
from envs.task import Task
from envs.world import World

HIDDEN_FIELD = "joint_velocity"


class ObservationNoise(Axis):
    """Normal noise, independent of step and value, of f times each value's spread.

    Spread is the policy's own scale: the standard deviation in its demonstrations. A value that
    never changed there stays.
    """

    def __init__(self, world: World, level: float, about: About) -> None:
        super().__init__(world, level, about)
        self._std = level * about.scale
        shape = (world.num_sims, world.horizon + 1, world.task.obs_dim)
        self._noise: Float32Array = np.zeros(shape, np.float32)

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> bool:
        """Draw the noise of complete episodes."""
        for row, key in zip(rows.tolist(), self.streams.keys(episode_seeds), strict=True):
            self.streams.at(key).standard_normal(dtype=np.float32, out=self._noise[row])
        return False

    def observe(self, rows: IntArray, observations: Float32Array) -> Float32Array:
        """Add the step's noise."""
        noise = self._std * self._noise[rows, self.world.step_count[rows]]
        return (observations + noise).astype(np.float32)


class StaleObservation(Axis):
    """Every observation, that of the goal too, is k control steps old; the first one waits."""

    def __init__(self, world: World, level: float, about: About) -> None:
        super().__init__(world, level, about)
        self._age = int(level)
        shape = (world.num_sims, self._age + 1, world.task.obs_dim)
        self._recent: Float32Array = np.zeros(shape, np.float32)

    def observe(self, rows: IntArray, observations: Float32Array) -> Float32Array:
        """Keep the present observation, and return that of k steps before."""
        steps, places = self.world.step_count[rows], self._age + 1
        self._recent[rows, steps % places] = observations
        seen: Float32Array = self._recent[rows, np.maximum(steps - self._age, 0) % places]
        return seen


class DroppedObservation(Axis):
    """With probability p an observation is lost, and the last one that came is seen again."""

    def __init__(self, world: World, level: float, about: About) -> None:
        super().__init__(world, level, about)
        self._is_lost: BoolArray = np.zeros((world.num_sims, world.horizon + 1), dtype=np.bool_)
        self._last: Float32Array = np.zeros((world.num_sims, world.task.obs_dim), np.float32)

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> bool:
        """Draw which observations of complete episodes are lost; the first never is."""
        for row, key in zip(rows.tolist(), self.streams.keys(episode_seeds), strict=True):
            drawn: FloatArray = self.streams.at(key).random(self._is_lost.shape[1])
            self._is_lost[row] = drawn < self.level
        self._is_lost[rows, 0] = False
        return False

    def observe(self, rows: IntArray, observations: Float32Array) -> Float32Array:
        """Return the last observation that was not lost."""
        comes = ~self._is_lost[rows, self.world.step_count[rows]]
        self._last[rows[comes]] = observations[comes]
        return self._last[rows]


class HiddenVelocity(Axis):
    """The joint velocities are replaced by their mean in the policy's demonstrations."""

    def __init__(self, world: World, level: float, about: About) -> None:
        super().__init__(world, level, about)
        place = 0
        for field in world.task.fields():
            if field.name == HIDDEN_FIELD:
                self._columns = slice(place, place + field.size)
            place += field.size

    @classmethod
    def lack(cls, task: Task) -> str:
        """Return why a task cannot be disturbed so; "" if it can."""
        names = [field.name for field in task.fields()]
        return "" if HIDDEN_FIELD in names else f"it has no field {HIDDEN_FIELD}"

    def observe(self, rows: IntArray, observations: Float32Array) -> Float32Array:
        """Replace the field."""
        seen = observations.copy()
        seen[:, self._columns] = self.about.mean[self._columns]
        return seen
