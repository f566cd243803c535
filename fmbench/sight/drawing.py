"""Cameras of a task: their renderer, opened, and what decides their pictures in one line."""

import hashlib
import json
import warnings
from typing import Any

from envs.pictures.renderer import PictureRenderer, open_renderer
from envs.task import Task
from fmbench.errors import FmbenchError
from fmbench.storage.hashes import short_hash


def open_cameras(
    task: Task,
    cameras: tuple[str, ...],
    size: int,
    renderer: str,
    renderer_of: str = "--renderer is",
) -> PictureRenderer:
    """Open a renderer of a task's cameras.

    Args:
        task: The task.
        cameras: Names of cameras.
        size: Pixels in a row and in a column.
        renderer: "rays", "opengl" or "auto".
        renderer_of: Who has asked for this renderer, for the message.

    Raises:
        FmbenchError: A camera or the size is not accepted, or the renderer does not start here.
    """
    try:
        with warnings.catch_warnings():  # what does not start is said by the error alone
            warnings.filterwarnings("ignore", module="glfw")
            return open_renderer(task, cameras, size, renderer)
    except ValueError as error:
        raise FmbenchError(f"--cameras of {task.name}: {error}") from None
    except RuntimeError as error:
        raise FmbenchError(f"{renderer_of} {renderer}; {error}") from None


def sight_line(
    renderer: PictureRenderer, cameras: tuple[str, ...], size: int, encoder: str | None = None
) -> str:
    """Return what the numbers that a policy sees depend on, in one line.

    Args:
        renderer: The open renderer.
        cameras: Names of its cameras.
        size: Pixels in a row and in a column.
        encoder: What else decides the numbers; None if the pictures themselves are seen.

    Returns:
        Renderer, cameras, and a hash of everything else.
    """
    facts: dict[str, Any] = {
        "model": renderer.picture_model.hash,
        "cameras": cameras,
        "size": size,
        "renderer": renderer.identity,
    }
    if encoder is not None:
        facts["encoder"] = encoder
    hash_ = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return " ".join([renderer.name, *cameras, short_hash(hash_)])
