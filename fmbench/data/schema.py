"""The schema of stored episodes: what the data file must hold, checked before anything is read.

For E episodes the file holds the groups `episode_0` ... `episode_<E - 1>`, and nothing else. Each
has three attributes, its index `id`, its `seed` and its length T as `total_steps`, and holds

    observations        (T + 1, obs_dim) float32, within the task's limits
    actions             (T, act_dim)     float32, the executed ones, in [-1, 1]
    infos/clean_action  (T, act_dim)     float32, in [-1, 1]
    rewards             (T,)             float64, finite
    terminations        (T,)             bool, true in the last step only
    truncations         (T,)             bool, false
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from envs.task import FloatArray, Task
from fmbench.data.hdf5 import REMEDY, Array, Place, check_places, opened
from fmbench.errors import FmbenchError
from fmbench.harness.rollout import Float32Array

ATTRIBUTES = ("id", "seed", "total_steps")
OBSERVATIONS = "observations"
EXECUTED = "actions"
INFOS = "infos"
CLEAN = "clean_action"
REWARDS = "rewards"
TERMINATIONS = "terminations"
TRUNCATIONS = "truncations"
Lengths = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass(frozen=True)
class StoredEpisodes:
    """The arrays of all episodes, concatenated along their steps.

    Attributes:
        observations: `(steps + E, obs_dim)` float32.
        actions: The expert's clean commands, `(steps, act_dim)` float32.
        executed: The executed commands, `(steps, act_dim)` float32.
        lengths: Control steps of each episode, `(E,)`.
    """

    observations: Float32Array
    actions: Float32Array
    executed: Float32Array
    lengths: Lengths


@dataclass(frozen=True)
class StoredEpisode:
    """The arrays of one episode of T control steps.

    Attributes:
        observations: `(T + 1, obs_dim)` float32.
        actions: The expert's clean commands, `(T, act_dim)` float32.
        executed: The executed commands, `(T, act_dim)` float32.
        rewards: `(T,)` float64.
    """

    observations: Float32Array
    actions: Float32Array
    executed: Float32Array
    rewards: FloatArray


def read_stored_episodes(
    path: Path, task: Task, seeds: Sequence[int], steps: int
) -> StoredEpisodes:
    """Read a data file that holds exactly one episode of `task` for each seed, in this order.

    Args:
        path: The file.
        task: The task.
        seeds: The seeds.
        steps: Control steps of all episodes together.

    Raises:
        FmbenchError: It does not; the message names the first part that differs.
    """
    with opened(path) as file:
        episodes = _checked_episodes(file, path, task, seeds, steps)
        parts = {
            part: np.concatenate([episode.arrays[part].read() for episode in episodes])
            for part in episodes[0].arrays
        }
    lengths = np.array([episode.length for episode in episodes], dtype=np.int64)
    _check_values(path, task, parts, lengths)
    return StoredEpisodes(parts[OBSERVATIONS], parts[CLEAN], parts[EXECUTED], lengths)


def stored_episodes(
    path: Path, task: Task, seeds: Sequence[int], steps: int
) -> Iterator[StoredEpisode]:
    """Yield the episodes of such a file, one in memory at a time; see `read_stored_episodes`.

    What concerns all of them, their steps and places in the file, is checked after the last one.
    """
    found, spans = 0, list[tuple[int, int]]()
    with opened(path) as file:
        _check_names(file, seeds)
        for index, seed in enumerate(seeds):
            episode = _Episode(file.group(f"episode_{index}"), index, seed, task)
            parts: dict[str, Any] = {name: array.read() for name, array in episode.arrays.items()}
            _check_values(path, task, parts, np.array([episode.length]), index)
            found += episode.length
            spans += episode.spans
            yield StoredEpisode(parts[OBSERVATIONS], parts[CLEAN], parts[EXECUTED], parts[REWARDS])
    _check_steps(path, found, steps)
    check_places(path, spans)


def _checked_episodes(
    file: Place, path: Path, task: Task, seeds: Sequence[int], steps: int
) -> list["_Episode"]:
    """Return the episodes of an open file, unread, after checking their layout and places."""
    _check_names(file, seeds)
    episodes = [_Episode(file.group(f"episode_{k}"), k, s, task) for k, s in enumerate(seeds)]
    _check_steps(path, sum(episode.length for episode in episodes), steps)
    check_places(path, [span for episode in episodes for span in episode.spans])
    return episodes


def _check_names(file: Place, seeds: Sequence[int]) -> None:
    file.check([f"episode_{k}" for k in range(len(seeds))])


def _check_steps(path: Path, found: int, steps: int) -> None:
    if found != steps:
        raise FmbenchError(f"{path} holds {found} steps, not {steps}; {REMEDY}")


class _Episode:
    """One episode of an open file, whose layout has been checked.

    Attributes:
        length: Its control steps.
        arrays: Its arrays by name, unread.
    """

    def __init__(self, place: Place, index: int, seed: int, task: Task) -> None:
        flags = (REWARDS, TERMINATIONS, TRUNCATIONS)
        place.check([OBSERVATIONS, EXECUTED, INFOS, *flags], ATTRIBUTES)
        found = {name: place.whole_number(name) for name in ATTRIBUTES}
        steps = self.length = found["total_steps"]
        if found["id"] != index or found["seed"] != seed or not 0 < steps <= task.horizon:
            raise place.error(
                f"has {', '.join(f'{name} {value}' for name, value in found.items())}, "
                f"not id {index}, seed {seed} and 1 to {task.horizon} steps"
            )
        infos = place.group(INFOS)
        infos.check([CLEAN])
        commands = (steps, task.act_dim)
        self.arrays = {
            OBSERVATIONS: place.array(OBSERVATIONS, (steps + 1, task.obs_dim), np.float32),
            EXECUTED: place.array(EXECUTED, commands, np.float32),
            CLEAN: infos.array(CLEAN, commands, np.float32),
            REWARDS: place.array(REWARDS, (steps,), np.float64),
            TERMINATIONS: place.array(TERMINATIONS, (steps,), np.bool_),
            TRUNCATIONS: place.array(TRUNCATIONS, (steps,), np.bool_),
        }

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The places of all chunks in the file, see `StoredArray`."""
        return [span for array in self.arrays.values() for span in array.spans]


def _check_values(
    path: Path, task: Task, parts: dict[str, Array], lengths: Lengths, first: int = 0
) -> None:
    """Check that every number is in its range, and that each episode, from `first`, ends once."""
    last = np.zeros(lengths.sum(), dtype=np.uint8)
    last[lengths.cumsum() - 1] = 1
    # A stored bool is a byte, which may hold more than 0 and 1.
    ends, cuts = parts[TERMINATIONS].view(np.uint8), parts[TRUNCATIONS].view(np.uint8)
    limits = task.observation_limits()
    # NaN is within no limits.
    wrong = {
        OBSERVATIONS: (~(np.abs(parts[OBSERVATIONS]) <= limits), "within the task's limits"),
        EXECUTED: (~(np.abs(parts[EXECUTED]) <= 1.0), "in [-1, 1]"),
        CLEAN: (~(np.abs(parts[CLEAN]) <= 1.0), "in [-1, 1]"),
        REWARDS: (~np.isfinite(parts[REWARDS]), "finite"),
        TERMINATIONS: (ends != last, "true in the last step only"),
        TRUNCATIONS: (cuts != 0, "false"),
    }
    for part, (is_wrong, accepted) in wrong.items():
        if is_wrong.any():
            place = tuple(np.argwhere(is_wrong)[0])
            rows = (lengths + (part == OBSERVATIONS)).cumsum()
            episode = first + int(np.searchsorted(rows, place[0], side="right"))
            raise FmbenchError(
                f"{path}: {part} of /episode_{episode} hold {parts[part][place]}, "
                f"not only values {accepted}; {REMEDY}"
            )
