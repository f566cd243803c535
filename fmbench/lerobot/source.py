"""What is exported: demonstrations, read episode by episode, and pictures of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.task import IntArray, Task
from fmbench.data.manifest import DemonstrationFacts
from fmbench.data.schema import StoredEpisode
from fmbench.lerobot import layout
from fmbench.lerobot.columns import Moments, Scaling


@dataclass(frozen=True)
class Pictures:
    """Pictures of demonstrations.

    Attributes:
        file: A NumPy file of those of every observation, `(steps + E, cameras, size, size, 3)`.
        cameras: Names of the cameras.
        size: Rows and columns of a picture.
        decides: What decides their bytes, as JSON values.
    """

    file: Path
    cameras: tuple[str, ...]
    size: int
    decides: Mapping[str, Any]

    def rows(self, first: int, stop: int, camera: int) -> NDArray[np.uint8]:
        """Return a camera's pictures of some observations, `(n, size, size, 3)`.

        The file is mapped anew each time: pages that were read do not stay in memory.
        """
        return np.array(np.load(self.file, mmap_mode="r")[first:stop, camera])


@dataclass(frozen=True)
class Source:
    """Demonstrations to export.

    Attributes:
        task: Their task.
        facts: What their manifest says.
        episodes: Yields them in order.
        lengths: Control steps of each, `(E,)`.
        scaling: Map of the environment state.
        pictures: Their pictures; None without cameras.
    """

    task: Task
    facts: DemonstrationFacts
    episodes: Callable[[], Iterator[StoredEpisode]]
    lengths: IntArray
    scaling: Scaling
    pictures: Pictures | None = None

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras."""
        return self.pictures.cameras if self.pictures else ()

    @property
    def videos(self) -> dict[str, dict[str, Any]]:
        """The feature of each camera."""
        if self.pictures is None:
            return {}
        feature = layout.video_feature(self.pictures.size, layout.frames_per_second(self.task))
        return {layout.camera_key(camera): feature for camera in self.pictures.cameras}

    def columns(
        self, episodes: Iterator[StoredEpisode], first: int, stop: int
    ) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield the columns of some episodes' frames; see `layout.numeric_features`.

        Args:
            episodes: What `self.episodes()` yields from `first` on.
            first: Number of the first episode.
            stop: Number of the episode after the last one.
        """
        begins = self.lengths.cumsum() - self.lengths
        for index, episode in enumerate(islice(episodes, stop - first), start=first):
            yield _columns(self.task, self.scaling, episode, index, int(begins[index]))

    def frames(self, camera: int, first: int, stop: int) -> Iterator[NDArray[np.uint8]]:
        """Yield a camera's pictures of each of some episodes, `(T, H, W, 3)`."""
        if self.pictures is None:
            return
        rows = (self.lengths + 1).cumsum() - (self.lengths + 1)
        for index in range(first, stop):
            begin = int(rows[index])
            yield self.pictures.rows(begin, begin + int(self.lengths[index]), camera)


def measure(
    task: Task, episodes: Callable[[], Iterator[StoredEpisode]]
) -> tuple[IntArray, Scaling]:
    """Return the length of each episode, and the map that standardises the environment state."""
    lengths, moments = [], Moments(task.obs_dim - task.agent_dim)
    for episode in episodes():
        lengths.append(len(episode.actions))
        moments.add(episode.observations[:-1, ~task.agent_columns])
    return np.array(lengths, dtype=np.int64), moments.scaling()


def _columns(
    task: Task, scaling: Scaling, episode: StoredEpisode, index: int, begin: int
) -> dict[str, NDArray[Any]]:
    steps = np.arange(len(episode.actions))
    observations = episode.observations[:-1]
    raw = observations[:, ~task.agent_columns]
    is_last = steps == steps[-1]  # a demonstration ends with its success
    return {
        layout.STATE: observations[:, task.agent_columns],
        layout.ENVIRONMENT: scaling.apply(raw),
        layout.ACTION: episode.actions,
        layout.REWARD: episode.rewards.astype(np.float32),
        layout.DONE: is_last,
        layout.SUCCESS: is_last,
        layout.RAW_ENVIRONMENT: raw,
        layout.EXECUTED: episode.executed,
        layout.TIMESTAMP: (steps / layout.frames_per_second(task)).astype(np.float32),
        layout.FRAME: steps,
        layout.EPISODE: np.full_like(steps, index),
        layout.INDEX: steps + begin,
        layout.TASK: np.zeros_like(steps),
    }
