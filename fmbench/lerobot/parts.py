"""Parts of an export: the files of some episodes, published one after the other, kept at a stop."""

import shutil
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from envs.task import IntArray
from fmbench.data.schema import StoredEpisode
from fmbench.errors import FmbenchError
from fmbench.lerobot import layout, parquet
from fmbench.lerobot.source import Source
from fmbench.lerobot.statistics import LEVELS, histogram
from fmbench.storage.artefacts import publish, staged_folder, verify
from fmbench.storage.files import write_new

KIND = "part of a LeRobot data set"
EPISODES = 50
"""Episodes of a part, and so of each file."""
DATA = "data.parquet"


@dataclass(frozen=True)
class EpisodeFiles:
    """The files of some episodes.

    Attributes:
        folder: Where they are.
        first: Number of the first episode.
        stop: Number of the episode after the last one.
        counts: Camera's feature to how often each level is in each channel, `(3, 256)`.
    """

    folder: Path
    first: int
    stop: int
    counts: dict[str, IntArray]

    @property
    def data(self) -> Path:
        """The data file."""
        return self.folder / DATA

    def film(self, key: str) -> Path:
        """Return the film of a camera."""
        return self.folder / f"{key}.mp4"


def write_parts_of(
    source: Source, folder: Path, key: str, on_episode: Callable[[int], None]
) -> list[EpisodeFiles]:
    """Write all parts, or find those that an earlier process has finished.

    Args:
        source: What is exported.
        folder: Where the parts are.
        key: Hash of everything that decides their bytes; others are made again.
        on_episode: Called with the number of finished episodes; it may raise.
    """
    parts, episodes = [], source.episodes()
    for first in range(0, len(source.lengths), EPISODES):
        stop = min(first + EPISODES, len(source.lengths))
        place = folder / f"part-{first // EPISODES:04d}"
        part = _found(place, key, first, stop)
        if part is None:
            part = _write(source, episodes, place, key, first, stop, on_episode)
        else:
            deque(islice(episodes, stop - first), maxlen=0)
        parts.append(part)
        on_episode(stop)
    return parts


def _found(place: Path, key: str, first: int, stop: int) -> EpisodeFiles | None:
    """Return a finished part; one that is damaged or of another export is deleted."""
    if not place.exists():
        return None
    try:
        facts = verify(place, KIND)
        if facts.get("key") == key:
            counts = {name: np.array(rows) for name, rows in facts["counts"].items()}
            return EpisodeFiles(place, first, stop, counts)
    except FmbenchError:
        pass
    shutil.rmtree(place)
    return None


def _write(
    source: Source,
    episodes: Iterator[StoredEpisode],
    place: Path,
    key: str,
    first: int,
    stop: int,
    on_episode: Callable[[int], None],
) -> EpisodeFiles:
    """Write a part; `episodes` yields those from `first` on."""
    counts: dict[str, IntArray] = {}
    with staged_folder(place) as staging:
        features = layout.numeric_features(source.task)
        data = parquet.encode_frames(features, source.columns(episodes, first, stop))
        write_new(staging / DATA, data)
        del data
        for camera, (name, feature) in enumerate(source.videos.items()):
            from fmbench.lerobot.films import encode_film  # only where there are pictures

            counts[name] = np.zeros((3, LEVELS), dtype=np.int64)
            pictures = _counted(source, camera, first, stop, counts[name], on_episode)
            size, rate = feature["shape"][0], layout.frames_per_second(source.task)
            write_new(staging / f"{name}.mp4", encode_film(pictures, size, rate))
        facts = {"key": key, "counts": {name: rows.tolist() for name, rows in counts.items()}}
        publish(staging, place, KIND, facts)
    return EpisodeFiles(place, first, stop, counts)


def _counted(
    source: Source,
    camera: int,
    first: int,
    stop: int,
    counts: IntArray,
    on_episode: Callable[[int], None],
) -> Iterator[NDArray[np.uint8]]:
    """Yield a camera's pictures, and count their levels."""
    for pictures in source.frames(camera, first, stop):
        on_episode(first)
        counts += histogram(pictures)
        yield from pictures
