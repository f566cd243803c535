"""Minari data sets of a task that fmbench need not have written: checked, then read.

Minari itself is not needed for that: its format is HDF5 with a file of metadata.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from envs.task import Task
from fmbench.data.minari_file import METADATA_FILE
from fmbench.data.recorded import GivenEpisode
from fmbench.data.schema import CLEAN
from fmbench.errors import FmbenchError, shown
from fmbench.storage.files import read_json
from fmbench.storage.hashes import sha256_file

DATA_NAME = "main_data.hdf5"
SUCCESS = ("success", "is_success")
"""Infos of the environments that say whether the condition has held for long enough."""


def minari_data(folder: Path) -> Path | None:
    """Return the data file of a Minari data set, or of its folder `data`; None if it is none."""
    places = (folder / "data" / DATA_NAME, folder / DATA_NAME)
    return next((place for place in places if place.is_file()), None)


def read_minari(folder: Path, task: Task) -> tuple[list[GivenEpisode], str]:
    """Return the episodes of a Minari data set and the hash of its data file.

    `infos/clean_action` are the actions to imitate where they are recorded, otherwise `actions`.
    An episode ends in success if the last of its `infos/success` says so; without these if it was
    terminated.

    Raises:
        FmbenchError: It is of another task, version, format or shape.
    """
    path = minari_data(folder)
    assert path is not None
    _check_metadata(path.with_name(Path(METADATA_FILE).name), task)
    try:
        with h5py.File(path, "r", locking=False, rdcc_nbytes=0, rdcc_nslots=1) as file:
            names = [name for name in file if name.startswith("episode_")]
            numbers = sorted(int(name.partition("_")[2]) for name in names)
            if not numbers:
                raise FmbenchError(f"{path} has no episodes")
            episodes = [_read(path, file[f"episode_{k}"], k, task) for k in numbers]
    except FmbenchError:
        raise
    except Exception as error:  # the library documents no list of what it raises
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise FmbenchError(f"{path} is not a Minari data set that can be read: {reason}") from None
    return episodes, sha256_file(path)


def _check_metadata(path: Path, task: Task) -> None:
    """Check the format and the environment in a file of metadata."""
    found = read_json(path)
    if (given := found.get("data_format", "hdf5")) != "hdf5":
        raise FmbenchError(f"{path}: data_format is {shown(given)}; accepted is 'hdf5'")
    if (given := _environment(found.get("env_spec"))) not in (None, task.id):
        raise FmbenchError(f"{path}: the environment is {shown(given)}; the task is {task.id}")


def _environment(text: Any) -> str | None:
    """Return the id of our environment in a specification; None if none is stated."""
    try:
        spec = json.loads(text)
        return str(spec.get("kwargs", {}).get("env_id", spec["id"])).removeprefix("fmbench:")
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _read(path: Path, group: Any, index: int, task: Task) -> GivenEpisode:
    where = f"{path}: /episode_{index}"
    infos = group.get("infos")
    has_clean = isinstance(infos, h5py.Group) and CLEAN in infos
    actions = _array(where, infos, CLEAN) if has_clean else _array(where, group, "actions")
    observations = _array(where, group, "observations")
    for name, array, width in (
        ("observations", observations, task.obs_dim),
        ("actions", actions, task.act_dim),
    ):
        if array.ndim != 2 or array.shape[1] != width:
            kind = f"pictures, {array.dtype}" if array.ndim >= 4 else str(array.dtype)
            raise FmbenchError(
                f"{where}/{name} are {tuple(array.shape)} ({kind}); {task.id} has (steps, {width}) "
                "numbers"
            )
    return GivenEpisode(
        observations.astype(np.float32), actions.astype(np.float32), _success(where, group)
    )


def _success(where: str, group: Any) -> bool:
    infos = group.get("infos")
    for name in SUCCESS:
        if isinstance(infos, h5py.Group) and name in infos:
            return bool(_array(where, infos, name)[-1])
    return bool(_array(where, group, "terminations")[-1])


def _array(where: str, group: Any, name: str) -> np.ndarray[Any, np.dtype[Any]]:
    """Return an array of numbers in a group, which is in the file itself."""
    if name not in group:
        raise FmbenchError(f"{where} lacks {name}; it has {', '.join(sorted(group)) or 'nothing'}")
    entry = group[name]
    if isinstance(entry, h5py.Group):
        parts = ", ".join(sorted(entry)) or "nothing"
        raise FmbenchError(f"{where}/{name} are of several spaces ({parts}); accepted is one array")
    is_link = not isinstance(group.get(name, getlink=True), h5py.HardLink)
    if is_link or entry.is_virtual or entry.external:
        raise FmbenchError(f"{where}/{name} is stored elsewhere; accepted is data in the file")
    if entry.dtype.kind not in "fiub" or not entry.shape or not entry.shape[0]:
        raise FmbenchError(
            f"{where}/{name} is {entry.shape} of {entry.dtype}; accepted are numbers"
        )
    return np.asarray(entry[...])
