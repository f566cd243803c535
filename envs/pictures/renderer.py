"""The interface of the renderers that draw pictures, and the choice between them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from envs.cameras import MAIN
from envs.names import unknown
from envs.pictures.opengl import OpenGLRenderer
from envs.pictures.rays import RayRenderer
from envs.pictures.scene import PictureModel
from envs.pictures.states import PictureStates
from envs.render import Image, check_not_forked
from envs.scene import RENDER_SIZE
from envs.task import Task

RENDERERS = ("auto", "rays", "opengl")
SMALLEST_SIZE = 16
GPU_FILES = ("nvidia[0-9]*", "dri/renderD*")
"""Files in /dev of which there is one on a machine whose GPU can draw."""


class PictureRenderer(Protocol):
    """Draws pictures of one task.

    A picture depends on its state, the task, the cameras and `identity` alone: not on how many are
    drawn together, nor on their order.

    Attributes:
        name: `"rays"` or `"opengl"`.
        identity: What the bytes of a picture depend on, besides its state.
        picture_model: The model that is drawn.
    """

    name: str
    identity: dict[str, str]
    picture_model: PictureModel

    def draw(self, states: PictureStates) -> Image:
        """Return pictures, (n, cameras, H, W, 3) uint8."""

    def close(self) -> None:
        """Free what the renderer holds; calling it twice is allowed."""


def open_renderer(
    task: Task,
    cameras: Sequence[str] = (MAIN,),
    size: int = 96,
    renderer: str = "auto",
    num_threads: int = 0,
) -> PictureRenderer:
    """Return a renderer of pictures.

    Args:
        task: The task.
        cameras: Names of cameras: `main`, and those of `Task.cameras`.
        size: Pixels in a row and in a column, 16 to 480.
        renderer: `"rays"`, `"opengl"`, or `"auto"`: OpenGL where a GPU draws, otherwise rays.
        num_threads: Threads that cast rays; 0 means one per processor. Pictures do not depend on
            it.

    Raises:
        ValueError: A camera or the renderer is not known, or the size is not accepted.
        RuntimeError: OpenGL was asked for and does not start; the message states what to install.
            Or this process was forked from one that has rendered.
    """
    check_renderer(renderer)
    check_size(size)
    if renderer == "auto" and has_gpu():
        check_not_forked()  # rays instead would be other pictures than those of the first process
        try:
            drawn = OpenGLRenderer(task, cameras, size)
        except RuntimeError:
            return RayRenderer(task, cameras, size, num_threads)
        if not drawn.is_software:
            return drawn
        drawn.close()
    if renderer == "opengl":
        return OpenGLRenderer(task, cameras, size)
    return RayRenderer(task, cameras, size, num_threads)


def check_renderer(renderer: str) -> None:
    """Check the name of a renderer.

    Raises:
        ValueError: It is not known; the message lists the known ones and near matches.
    """
    if renderer not in RENDERERS:
        raise unknown("renderer", renderer, RENDERERS)


def check_size(size: int) -> None:
    """Check the size of a picture.

    Raises:
        ValueError: It is not a whole number from 16 to 480.
    """
    is_whole = isinstance(size, int) and not isinstance(size, bool)
    if not is_whole or not SMALLEST_SIZE <= size <= RENDER_SIZE:
        raise ValueError(
            f"the image size is {size!r}; give a whole number of pixels from {SMALLEST_SIZE} to "
            f"{RENDER_SIZE}"
        )


def has_gpu() -> bool:
    """Return whether a GPU may draw here; only OpenGL itself says whether it does."""
    if not sys.platform.startswith("linux"):
        return True
    return any(next(Path("/dev").glob(name), None) for name in GPU_FILES)
