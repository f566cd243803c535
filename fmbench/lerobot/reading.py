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
from fmbench.lerobot.columns import Scaling, field_table, joined
from fmbench.storage.files import read_json
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
    info = read_json(folder / layout.INFO_FILE)
    ours = info.get(layout.OURS)
    ours = ours if isinstance(ours, dict) else {}
    names = _check(folder, task, info, ours)
    paths = sorted((folder / "data").glob("*/*.parquet"))
    if not paths:
        raise FmbenchError(f"{folder / 'data'} holds no Parquet files (chunk-000/file-000.parquet)")
    files = [parquet.read_columns(path, names) for path in paths]
    columns = {name: np.concatenate([file[name] for file in files]) for name in names}
    _check_widths(folder, task, columns)
    finals = _finals(folder, task)
    episodes = _episodes(folder, task, columns, _scaling(folder, task, ours), finals)
    if len(episodes) != info.get("total_episodes"):
        raise FmbenchError(
            f"{folder} holds {len(episodes)} episodes; {layout.INFO_FILE} says "
            f"{shown(info.get('total_episodes'))}"
        )
    return episodes, _hash(folder, paths)


def _check(folder: Path, task: Task, info: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """Check what a data set says of itself; return the names of the columns to read."""
    path = folder / layout.INFO_FILE
    if (version := info.get("codebase_version")) != layout.VERSION:
        raise FmbenchError(
            f"{path}: codebase_version is {shown(version)}; accepted is {layout.VERSION!r} "
            "(LeRobot converts older data sets)"
        )
    if ours.get("task", task.id) != task.id:
        raise FmbenchError(f"{path}: the task is {shown(ours['task'])}, not {task.id}")
    if ours.get("fields", field_table(task)) != field_table(task):
        raise FmbenchError(f"{path}: the fields are not those of {task.id}, or have other units")
    if (fps := info.get("fps")) != layout.frames_per_second(task):
        raise FmbenchError(
            f"{path}: fps is {shown(fps)}; {task.id} has {layout.frames_per_second(task)} control "
            "steps per second"
        )
    features = info.get("features")
    if not isinstance(features, dict):
        raise FmbenchError(f"{path} lacks the table 'features'")
    needed = [layout.STATE, layout.ACTION]
    if not task.agent_columns.all():
        raw = layout.RAW_ENVIRONMENT in features
        needed.append(layout.RAW_ENVIRONMENT if raw else layout.ENVIRONMENT)
    for name in needed:
        _check_feature(path, task, name, features)
    optional = [layout.SUCCESS] if layout.SUCCESS in features else []
    return [*needed, *optional, layout.EPISODE, layout.FRAME]


def _check_feature(path: Path, task: Task, name: str, features: Mapping[str, Any]) -> None:
    if name not in features:
        seen = [key for key in features if key.startswith(layout.IMAGES)]
        has = f"pictures ({', '.join(seen)})" if seen else ", ".join(features) or "none"
        raise FmbenchError(
            f"{path} lacks the feature {name!r}; it has {has}, and policies here learn from states"
        )
    expected = layout.numeric_features(task)[name]
    feature = features[name] if isinstance(features[name], dict) else {}
    given = feature.get("shape")
    if given != expected["shape"]:
        raise FmbenchError(
            f"{path}: {name} has the shape {shown(given)}; {task.id} has {expected['shape']}"
        )
    stated = feature.get("names")
    if isinstance(stated, list) and stated != expected["names"]:
        pairs = zip(stated, expected["names"], strict=False)
        other, ours = next(((a, b) for a, b in pairs if a != b), (stated, expected["names"]))
        raise FmbenchError(
            f"{path}: {name} has {shown(other)} where {task.id} has {shown(ours)}; give the task's "
            "values in its order, or null as names"
        )


def _check_widths(folder: Path, task: Task, columns: Columns) -> None:
    """Check that rows have as many numbers as the features say."""
    for name, feature in layout.numeric_features(task).items():
        width = columns[name][:1].size if name in columns else None
        if width not in (None, *feature["shape"]):
            raise FmbenchError(
                f"{folder / 'data'}: {name} has {width} numbers a frame; {layout.INFO_FILE} says "
                f"{feature['shape'][0]}"
            )


def _scaling(folder: Path, task: Task, ours: Mapping[str, Any]) -> Scaling | None:
    """Return the map by which the environment state was scaled; None if it was not."""
    stated = ours.get("environment_state")
    if stated is None:
        return None
    try:
        offset, divisor = (np.array(stated[k], dtype=np.float64) for k in ("offset", "divisor"))
    except (KeyError, TypeError, ValueError):
        offset = divisor = np.zeros(0)
    width = int((~task.agent_columns).sum())
    if offset.shape != (width,) or divisor.shape != (width,) or not (divisor > 0).all():
        raise FmbenchError(
            f"{folder / layout.INFO_FILE}: the scaling of the environment state is not that of "
            f"{width} values"
        )
    return Scaling(offset, divisor)


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
