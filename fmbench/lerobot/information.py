"""What a LeRobot v3.0 data set says of itself, checked against a task; reads no Parquet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from envs.task import Task
from fmbench.errors import FmbenchError, shown
from fmbench.lerobot import layout
from fmbench.lerobot.columns import Scaling, field_table
from fmbench.storage.files import read_json


def described(folder: Path, task: Task) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Return what a data set says of itself, our entry in it, and the columns to read.

    Args:
        folder: The data set.
        task: The task.

    Returns:
        The content of `info.json`; our entry of it, empty if it has none; names of columns.

    Raises:
        FmbenchError: It is of another task, version or shape, or lacks a feature.
    """
    info = read_json(folder / layout.INFO_FILE)
    ours = info.get(layout.OURS)
    ours = ours if isinstance(ours, dict) else {}
    return info, ours, _check(folder, task, info, ours)


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


def scaling_of(folder: Path, task: Task, ours: Mapping[str, Any]) -> Scaling | None:
    """Return the map by which the environment state was scaled; None if it was not.

    Args:
        folder: The data set, for messages.
        task: Its task.
        ours: Our entry of `info.json`.

    Raises:
        FmbenchError: The map is of another number of values.
    """
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
