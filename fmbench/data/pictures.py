"""Pictures of stored demonstrations: one of each camera for every observation, drawn once."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from envs.cameras import MAIN
from envs.pictures.renderer import PictureRenderer
from envs.task import Task
from envs.task_hash import task_hash
from fmbench.data.array_store import ArraySpec, Stored, folder_beside, stored_array
from fmbench.data.replay import replay_states
from fmbench.data.store import Demonstrations
from fmbench.storage.locks import Waiting

KIND = "pictures"
ROWS_PER_PART = 64


def picture_spec(
    task: Task,
    demonstrations: Demonstrations,
    renderer: PictureRenderer,
    cameras: tuple[str, ...],
    size: int,
) -> ArraySpec:
    """Return what the pictures of demonstrations are, and everything that decides their bytes.

    That is the demonstrations, the code of the task, the model that is drawn (colours, lights and
    cameras included), and the renderer with its versions.
    """
    rows = len(demonstrations.observations)
    return spec_of_rows(task, demonstrations.sha256, rows, renderer, cameras, size)


def spec_of_rows(
    task: Task,
    sha256: str,
    rows: int,
    renderer: PictureRenderer,
    cameras: tuple[str, ...],
    size: int,
) -> ArraySpec:
    """Do the same for demonstrations that are not loaded, of their hash and observations."""
    return ArraySpec(
        kind=KIND,
        shape=(rows, len(cameras), size, size, 3),
        dtype="uint8",
        decides={
            "demonstrations": sha256,
            "task_hash": task_hash(task.name),
            "model": renderer.picture_model.hash,
            "cameras": list(cameras),
            **{f"renderer_{name}": value for name, value in renderer.identity.items()},
        },
    )


def draw_demonstrations(
    folder: Path,
    task: Task,
    demonstrations: Demonstrations,
    renderer: PictureRenderer,
    cameras: tuple[str, ...] = (MAIN,),
    size: int = 96,
    on_picture: Callable[[str, int], None] = lambda stage, done: None,
    waiting: Waiting | None = None,
) -> Stored:
    """Return the pictures of demonstrations, drawn from their replayed states if they are new.

    Args:
        folder: Folder of the demonstrations; the pictures are stored beside it.
        task: The task.
        demonstrations: The demonstrations.
        renderer: An open renderer with these cameras and this size.
        cameras: Names of the cameras.
        size: Pixels in a row and in a column.
        on_picture: Called with "replay" and the number of replayed episodes, then with "pictures"
            and the number of observations that are drawn.
        waiting: How to wait while another process draws them.

    Returns:
        The pictures, `(steps + E, cameras, size, size, 3)` uint8, memory-mapped.

    Raises:
        FmbenchError: The stored pictures are damaged or foreign.
        RunFailed: The demonstrations do not replay here, or the disk is full.
    """
    spec = picture_spec(task, demonstrations, renderer, cameras, size)

    def parts() -> Iterator[np.ndarray[Any, Any]]:
        states = replay_states(task, demonstrations, lambda done: on_picture("replay", done))
        for first in range(0, len(states), ROWS_PER_PART):
            rows = slice(first, first + ROWS_PER_PART)
            yield renderer.draw(states.rows(rows))
            on_picture(KIND, min(first + ROWS_PER_PART, len(states)))

    return stored_array(folder_beside(folder, spec), spec, parts, waiting)
