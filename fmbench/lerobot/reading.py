"""LeRobot v3.0 data sets of a task, ours or others': checked, then read."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.task import Task
from fmbench.data.recorded import GivenEpisode
from fmbench.errors import FmbenchError, shown
from fmbench.harness.rollout import Float32Array
from fmbench.lerobot import layout, parquet
from fmbench.lerobot.columns import Scaling, joined
from fmbench.lerobot.information import described, scaling_of
from fmbench.storage.hashes import sha256_file

Columns = Mapping[str, NDArray[Any]]


def read_lerobot(folder: Path, task: Task) -> tuple[list[GivenEpisode], str]:
    """Return the episodes of a LeRobot v3.0 data set, and a hash of its numbers.

    Both states are taken in the task's units: `info.environment_state` where it is there; else
    `observation.environment_state`, whose scaling is undone if our entry of `info.json` has it.
    An episode ends in success if its last `next.success` says so.

    Raises:
        FmbenchError: It is of another task, version or shape, or lacks a feature.
    """
    info, ours, names = described(folder, task)
    paths = sorted((folder / "data").glob("*/*.parquet"))
    if not paths:
        raise FmbenchError(f"{folder / 'data'} holds no Parquet files (chunk-000/file-000.parquet)")
    files = [parquet.read_columns(path, names) for path in paths]
    columns = {name: np.concatenate([file[name] for file in files]) for name in names}
    _check_widths(folder, task, columns)
    finals = _finals(folder, task)
    episodes = _episodes(folder, task, columns, scaling_of(folder, task, ours), finals)
    if len(episodes) != info.get("total_episodes"):
        raise FmbenchError(
            f"{folder} holds {len(episodes)} episodes; {layout.INFO_FILE} says "
            f"{shown(info.get('total_episodes'))}"
        )
    return episodes, _hash(folder, paths)


def _check_widths(folder: Path, task: Task, columns: Columns) -> None:
    """Check that rows have as many numbers as the features say."""
    for name, feature in layout.numeric_features(task).items():
        width = columns[name][:1].size if name in columns else None
        if width not in (None, *feature["shape"]):
            raise FmbenchError(
                f"{folder / 'data'}: {name} has {width} numbers a frame; {layout.INFO_FILE} says "
                f"{feature['shape'][0]}"
            )


def _finals(folder: Path, task: Task) -> NDArray[Any] | None:
    """Return the observation after the last frame of each episode, where the data set has them."""
    paths = sorted((folder / "meta" / "episodes").glob("*/*.parquet"))
    if not paths or any(layout.FINAL not in parquet.read_schema(p).names for p in paths):
        return None
    parts = [parquet.read_columns(path, [layout.FINAL])[layout.FINAL] for path in paths]
    finals = np.concatenate(parts)
    return finals if finals.ndim == 2 and finals.shape[1] == task.obs_dim else None


def _episodes(
    folder: Path,
    task: Task,
    columns: Columns,
    scaling: Scaling | None,
    finals: NDArray[Any] | None,
) -> list[GivenEpisode]:
    """Return the episodes of all frames, which are in order."""
    numbers, frames = columns[layout.EPISODE], columns[layout.FRAME]
    begins = np.flatnonzero(np.diff(numbers, prepend=-1))
    ends = np.append(begins[1:], len(numbers))
    in_order = np.concatenate([np.arange(b - a) for a, b in zip(begins, ends, strict=True)])
    if not np.array_equal(numbers[begins], np.arange(len(begins))) or (frames != in_order).any():
        raise FmbenchError(
            f"{folder}: frames are not in order; give those of episode 0, 1, ..., each from frame 0"
        )
    if finals is not None and len(finals) != len(begins):
        raise FmbenchError(f"{folder} has {len(begins)} episodes, but rows of {len(finals)}")
    observations = _observations(task, columns, scaling)
    actions, success = _rows(columns, layout.ACTION), columns.get(layout.SUCCESS)
    episodes = []
    for index, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        observed = observations[begin:end]
        if finals is not None:
            observed = np.concatenate((observed, finals[index : index + 1].astype(np.float32)))
        succeeded = None if success is None else bool(success[end - 1])
        episodes.append(GivenEpisode(observed, actions[begin:end], succeeded))
    return episodes


def _observations(task: Task, columns: Columns, scaling: Scaling | None) -> Float32Array:
    state = _rows(columns, layout.STATE)
    if layout.RAW_ENVIRONMENT in columns:
        return joined(task, state, _rows(columns, layout.RAW_ENVIRONMENT))
    if layout.ENVIRONMENT not in columns:
        return state
    scaled = _rows(columns, layout.ENVIRONMENT)
    return joined(task, state, scaled if scaling is None else scaling.undo(scaled))


def _rows(columns: Columns, name: str) -> Float32Array:
    """Return a feature as rows, `(n, k)`; a single number is a column without a second axis."""
    values = columns[name]
    return values.reshape(len(values), -1).astype(np.float32)


def _hash(folder: Path, data: list[Path]) -> str:
    """Return the hash of everything that is read: what it says of itself, data, episodes."""
    episodes = sorted((folder / "meta" / "episodes").glob("*/*.parquet"))
    files = [folder / layout.INFO_FILE, *data, *episodes]
    sums = {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()
