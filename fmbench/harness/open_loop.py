"""Open-loop policies: random actions, and playback of recorded actions."""

from collections.abc import Sequence

import numpy as np

from envs.episode_streams import NUMBERS_IN_BLOCK, EpisodeStreams, Keys
from envs.task import IntArray
from envs.world import World
from fmbench.harness.rollout import Float32Array

DRAWN_STEPS = 16  # control steps for which random actions are drawn at once


class RandomPolicy:
    """Uniform random actions in [-1, 1]: the lower reference of every table."""

    obs_horizon = 1
    exec_horizon = 1

    def __init__(self, world: World) -> None:
        n, self._task = world.num_sims, world.task
        self._drawn: Float32Array = np.zeros((n, DRAWN_STEPS, self._task.act_dim), np.float32)
        self._steps: IntArray = np.zeros(n, dtype=np.int64)
        self._streams = EpisodeStreams(self._task, "random_policy")
        self._keys: Keys = np.zeros((n, 2), dtype=np.uint64)

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Reset the random streams of the episodes."""
        self._steps[rows] = 0
        self._keys[rows] = self._streams.keys(episode_seeds)

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Return the next drawn action of each row."""
        del observations
        position = self._steps[rows] % DRAWN_STEPS
        for row in rows[position == 0].tolist():
            numbers_drawn = int(self._steps[row]) * self._task.act_dim
            generator = self._streams.at(self._keys[row], numbers_drawn // NUMBERS_IN_BLOCK)
            self._drawn[row] = generator.uniform(-1.0, 1.0, self._drawn[row].shape)
        self._steps[rows] += 1
        return self._drawn[rows, position][:, None, :], np.zeros(len(rows), dtype=np.int64)


class Playback:
    """Playback of recorded actions, episode by episode.

    Args:
        world: The world in which they are repeated.
        recordings: The executed actions of each episode seed, `(T, act_dim)`.
    """

    obs_horizon = 1
    exec_horizon = 1

    def __init__(self, world: World, recordings: dict[int, Float32Array]) -> None:
        self._recordings = recordings
        self._current: list[Float32Array] = [np.zeros((0, 0), np.float32)] * world.num_sims
        self._steps: IntArray = np.zeros(world.num_sims, dtype=np.int64)

    def reset(self, rows: IntArray, episode_seeds: IntArray) -> None:
        """Restart the recordings of the episodes."""
        self._steps[rows] = 0
        for row, seed in zip(rows.tolist(), episode_seeds.tolist(), strict=True):
            self._current[row] = self._recordings[seed]

    def act(self, rows: IntArray, observations: Float32Array) -> tuple[np.ndarray, IntArray]:
        """Return the next recorded action of each row; the last one is repeated at the end."""
        del observations
        actions: Sequence[Float32Array] = [
            self._current[row][min(step, len(self._current[row]) - 1)]
            for row, step in zip(rows.tolist(), self._steps[rows].tolist(), strict=True)
        ]
        self._steps[rows] += 1
        return np.stack(actions)[:, None, :], np.zeros(len(rows), dtype=np.int64)
