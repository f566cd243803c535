"""Offscreen rendering; the OpenGL context is created with the renderer."""

import copy
import importlib
import os
import sys
from collections.abc import Sequence

import mujoco
import numpy as np
from mujoco.rendering.classic import gl_context

from envs.scene import RENDER_SIZE
from envs.task import IntArray, Task
from envs.world import World

Image = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
MISSING_GL = (
    "Rendering needs an OpenGL library, and {backend} did not start ({reason}). Install libegl1 "
    "and libgl1-mesa-dri and set MUJOCO_GL=egl, or install libosmesa6 and set MUJOCO_GL=osmesa."
)
FORKED = (
    "This process (id {now}) was forked from one that had rendered (id {first}), and OpenGL does "
    "not survive a fork: rendering here would wait forever. Start it with the method 'spawn', e.g. "
    "AsyncVectorEnv(..., context='spawn') or multiprocessing.get_context('spawn'), or render only "
    "in one of the two processes."
)
GAP_PIXELS = 4
_first_renderer_process: int | None = None
"""Process that opened the first renderer, in this process or before it was forked."""


def gl_backend() -> str:
    """Return the OpenGL backend: `MUJOCO_GL` if set, egl on Linux without a display, or default."""
    chosen = os.environ.get("MUJOCO_GL", "").strip().lower()
    has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not chosen and sys.platform == "linux" and not has_screen:
        return "egl"
    return chosen or "default"


class TaskRenderer:
    """Renders the `main` camera of one task.

    Args:
        task: The task.
        width: Pixels, at most 480.
        height: Pixels, at most 480.

    Raises:
        ValueError: The size is not in [1, 480].
        RuntimeError: No OpenGL context can be created; the message states what to install. Or this
            process was forked from one that has rendered.
    """

    def __init__(self, task: Task, width: int = RENDER_SIZE, height: int = RENDER_SIZE) -> None:
        if not (1 <= width <= RENDER_SIZE and 1 <= height <= RENDER_SIZE):
            raise ValueError(f"The size is {width} x {height}; give 1 to {RENDER_SIZE} pixels.")
        self.model = copy.copy(task.model)  # receives the model fields of the row being drawn
        self._data = mujoco.MjData(self.model)
        self._renderer: mujoco.Renderer | None = open_mujoco_renderer(self.model, width, height)

    def frame(self, data: mujoco.MjData) -> Image:
        """Return the image of a state, (height, width, 3) uint8; `data` is not changed."""
        if self._renderer is None:
            raise RuntimeError("The renderer is closed; make a new one.")
        check_not_forked()
        mujoco.mj_copyData(self._data, self.model, data)
        mujoco.mj_forward(self.model, self._data)
        self._renderer.update_scene(self._data, "main")
        image: Image = self._renderer.render()
        return image

    def rows(self, world: World, rows: IntArray) -> Image:
        """Return images of rows of a world, (n, height, width, 3) uint8."""
        images = []
        for row in rows.tolist():
            if world.model_fields:
                world.batch.get_model(row, self.model)
            images.append(self.frame(world.batch.get_data(row)))
        return np.stack(images)

    def close(self) -> None:
        """Free the OpenGL context; calling it twice is allowed."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


DISABLED = ("disable", "disabled", "off", "false", "0")
"""Values of MUJOCO_GL with which MuJoCo has no OpenGL."""


def open_mujoco_renderer(model: mujoco.MjModel, width: int, height: int) -> mujoco.Renderer:
    """Open a renderer on `gl_backend`.

    MuJoCo chooses its backend at import: without a display, one that cannot work; with MUJOCO_GL
    set to a broken backend, the import fails. Selecting the backend here lets everything except
    rendering run without OpenGL.
    """
    global _first_renderer_process
    check_not_forked()
    backend = gl_backend()
    try:
        if backend in DISABLED:  # MuJoCo would try all the same, and end the process at the second
            raise RuntimeError("MUJOCO_GL disables rendering")
        if backend in ("egl", "osmesa"):
            gl_context.GLContext = importlib.import_module(f"mujoco.{backend}").GLContext
        renderer = mujoco.Renderer(model, height, width)
    except Exception as error:  # each backend fails in its own way
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RuntimeError(MISSING_GL.format(backend=backend, reason=reason)) from error
    _first_renderer_process = os.getpid()
    return renderer


def check_not_forked() -> None:
    """Reject rendering in a process that was forked after the first renderer was opened.

    Only the forking thread continues in the new process. OpenGL's own threads do not, and its
    next call waits for them.
    """
    first, now = _first_renderer_process, os.getpid()
    if first is not None and first != now:
        raise RuntimeError(FORKED.format(now=now, first=first))


def contact_sheet(frames: Sequence[Image] | Image, columns: int) -> Image:
    """Arrange images of one size in a grid, row by row, on a white background.

    Args:
        frames: n images, each (height, width, 3) uint8.
        columns: Images per row.

    Returns:
        One image, (rows * (height + 4) - 4, columns * (width + 4) - 4, 3) uint8.

    Raises:
        ValueError: There is no image or no column, or the images' sizes differ.
    """
    if len(frames) < 1 or columns < 1:
        raise ValueError(f"{len(frames)} images in {columns} columns; give at least one of each.")
    shapes = {frame.shape for frame in frames}
    if len(shapes) > 1:
        raise ValueError(f"The images' shapes differ: {sorted(shapes)}; give images of one shape.")
    height, width, channels = frames[0].shape
    rows = -(-len(frames) // columns)
    step_y, step_x = height + GAP_PIXELS, width + GAP_PIXELS
    shape = (rows * step_y - GAP_PIXELS, columns * step_x - GAP_PIXELS, channels)
    sheet: Image = np.full(shape, 255, dtype=np.uint8)
    for i, frame in enumerate(frames):
        top, left = i // columns * step_y, i % columns * step_x
        sheet[top : top + height, left : left + width] = frame
    return sheet
