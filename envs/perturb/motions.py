"""Axes of an episode's course: noise on commands, a kick of the object, wider initial states."""

import numpy as np

from envs.arrays import FloatArray, IntArray
from envs.episode_streams import EpisodeStreams
from envs.experts.command_noise import CommandNoise
from envs.perturb.axis import About, Axis
from envs.perturb.objects import free_objects
from envs.task import Start, Task
from envs.world import World


class ActionNoise(Axis):
    """The correlated command noise of demonstrations, times f; see `CommandNoise`."""

    def __init__(self, world: World, level: float, about: About) -> None:
        super().__init__(world, level, about)
        self._noise = CommandNoise(world, level)

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> bool:
        """Draw the noise of complete episodes."""
        self._noise.reset(rows, episode_seeds)
        return False

    def command(self, rows: IntArray, actions: np.ndarray) -> np.ndarray:
        """Return the disturbed commands."""
        return self._noise.disturb(rows, self.world.step_count[rows], actions)


class Push(Axis):
    """A kick of v m/s in a random horizontal direction, once, to a free object.

    It comes before a control step drawn uniformly from the middle half of the expert's median time;
    of several objects one is drawn.
    """

    def __init__(self, world: World, level: float, about: About) -> None:
        super().__init__(world, level, about)
        self._objects = free_objects(world.task)
        steps = about.expert_steps()
        self._first, self._last = steps // 4, max(3 * steps // 4, steps // 4 + 1)
        self.steps: IntArray = np.full(world.num_sims, -1, dtype=np.int64)
        self.kicks: FloatArray = np.zeros((world.num_sims, world.task.model.nv))
        self._qvel = world.batch.bind("qvel")

    @classmethod
    def lack(cls, task: Task) -> str:
        """Return why a task cannot be disturbed so; "" if it can."""
        return "" if free_objects(task) else "it has no free object"

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> bool:
        """Draw step, object and direction of the kicks."""
        for row, key in zip(rows.tolist(), self.streams.keys(episode_seeds), strict=True):
            rng = self.streams.at(key)
            angle, share = rng.uniform(0.0, 2.0 * np.pi), rng.random()
            dofs, axes = self._objects[int(rng.integers(len(self._objects)))]
            self.steps[row] = self._first + int(share * (self._last - self._first))
            self.kicks[row] = 0.0
            kick = self.level * np.array([np.cos(angle), np.sin(angle), 0.0])
            self.kicks[row, dofs] = axes @ kick
        return False

    def kick(self, rows: IntArray) -> IntArray:
        """Add the kicks that are due to the velocities."""
        kicked: IntArray = rows[self.world.step_count[rows] == self.steps[rows]]
        self._qvel[kicked] += self.kicks[kicked]
        return kicked


class WideGenerator(np.random.Generator):
    """A generator whose uniform numbers are f times as far from the centre of their range.

    Args:
        bits: The bit generator; it draws the same numbers as an ordinary generator's.
        factor: f.
    """

    def __init__(self, bits: np.random.BitGenerator, factor: float) -> None:
        super().__init__(bits)
        self._factor = factor

    def uniform(self, low=0.0, high=1.0, size=None):  # type: ignore[no-untyped-def]
        """Return numbers in the widened range; arguments as in NumPy."""
        centre = 0.5 * (np.asarray(low) + np.asarray(high))
        wide = centre + self._factor * (super().uniform(low, high, size) - centre)
        return wide if np.ndim(wide) else float(wide)


class _WideStreams(EpisodeStreams):
    """The streams of initial states, with `WideGenerator` of the same numbers."""

    def __init__(self, task: Task, factor: float) -> None:
        super().__init__(task, "start")
        self._generator = WideGenerator(self._philox, factor)


class WideStart(Axis):
    """Every range of the initial state is f times as wide about its centre: out of distribution.

    The random numbers are those of the undisturbed episode, so that each state is moved outwards.
    Whole numbers, such as waiting times in control steps, and choices stay.
    """

    @classmethod
    def lack(cls, task: Task) -> str:
        """Return why a task cannot be disturbed so; "" if it can."""
        streams = EpisodeStreams(task, "start"), _WideStreams(task, 1.5)
        first = np.zeros(1, dtype=np.int64)
        plain, wide = (task.draw_start(each.at(each.keys(first)[0])) for each in streams)
        return "" if _differ(plain, wide) else "its initial state is drawn from no range"

    def start_streams(self, streams: EpisodeStreams) -> EpisodeStreams:
        """Return the streams of wider initial states."""
        return _WideStreams(self.task, self.level)


def _differ(one: Start, other: Start) -> bool:
    pairs = [(one.qpos, other.qpos)]
    pairs += [(values, other.memory[name]) for name, values in one.memory.items()]
    return not all(np.array_equal(*pair) for pair in pairs)
