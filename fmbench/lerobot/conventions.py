"""What a LeRobot data set says to whoever acts with a policy that was trained on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from envs.registry import TASKS, make_task, task_id
from envs.task import Task
from fmbench.errors import FmbenchError, shown
from fmbench.lerobot import layout
from fmbench.lerobot.columns import Scaling
from fmbench.lerobot.drawn import Drawn
from fmbench.lerobot.information import check_version, described, scaling_of
from fmbench.storage.files import read_json


@dataclass(frozen=True)
class Conventions:
    """How observations of a task are written in a data set.

    Attributes:
        task: The task.
        scaling: Map of the environment state; None if it is in the task's units.
        cameras: Names of the cameras.
        image_size: Rows and columns of a picture; None without cameras.
        renderer: What drew the pictures; None without cameras.
    """

    task: Task
    scaling: Scaling | None
    cameras: tuple[str, ...] = ()
    image_size: int | None = None
    renderer: str | None = None

    @classmethod
    def read(cls, folder: Path, name: str | None) -> Self:
        """Read those of a data set, of which `meta/info.json` is enough.

        Args:
            folder: The data set. Without an entry `fmbench`, its environment state is in the task's
                units.
            name: Name of the task; None for the one that the data set names.

        Raises:
            FmbenchError: The data set is of another task or version of it, names none, or is
                damaged.
            ValueError: The task is not known, or needs an extra.
        """
        task = make_task(_named(folder) if name is None else name)
        _, ours, _ = described(folder, task)
        check_version(folder, task, ours)
        scaling = scaling_of(folder, task, ours)
        drawn = Drawn.read(folder, ours)
        if drawn is None:
            return cls(task, scaling)
        return cls(task, scaling, tuple(drawn.cameras.values()), drawn.size, drawn.renderer)


def data_set_of(training: Mapping[str, Any]) -> Path | None:
    """Return the folder of the data set on which LeRobot trained; None if it names none.

    Args:
        training: The content of a checkpoint's `train_config.json`.
    """
    stated = training.get("dataset")
    root = stated.get("root") if isinstance(stated, dict) else None
    return Path(root) if isinstance(root, str) else None


def _named(folder: Path) -> str:
    """Return the name of the task that a data set names."""
    path = folder / layout.INFO_FILE
    ours = read_json(path).get(layout.OURS)
    stated = ours.get("task") if isinstance(ours, dict) else None
    if stated is None:
        raise FmbenchError(f"{path} names no task of fmbench; give the task's name")
    for name in TASKS:
        if task_id(name) == stated:
            return name
    raise FmbenchError(f"{path}: the task is {shown(stated)}, which this version does not have")
