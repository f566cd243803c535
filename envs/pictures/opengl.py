"""Pictures by MuJoCo's classic OpenGL renderer: one context, one picture per readback."""

import copy
import importlib
from collections.abc import Sequence

import mujoco
import numpy as np

from envs.cameras import MAIN
from envs.pictures.scene import SHOWN_GROUPS, PictureModel
from envs.pictures.states import PictureStates
from envs.render import Image, check_not_forked, open_mujoco_renderer
from envs.task import Task


class OpenGLRenderer:
    """Draws pictures of a task by OpenGL.

    Several pictures in one framebuffer would be faster on some machines, but their bytes would
    depend on their place in it.

    Args:
        task: The task.
        cameras: Names of the cameras.
        size: Pixels in a row and in a column.

    Attributes:
        name: `"opengl"`.
        identity: What the bytes of a picture depend on, besides its state.
        picture_model: The model that is drawn.

    Raises:
        ValueError: A camera is not known.
        RuntimeError: No OpenGL context can be created; the message states what to install. Or this
            process was forked from one that has rendered.
    """

    name = "opengl"

    def __init__(self, task: Task, cameras: Sequence[str] = (MAIN,), size: int = 96) -> None:
        self.picture_model = PictureModel(task, cameras)
        self._size = size
        self._model = copy.copy(self.picture_model.model)  # receives the fields of each state
        self._data = mujoco.MjData(self._model)
        self._cameras = [_camera(index) for index in self.picture_model.cameras]
        self._option = shown_option()
        self._renderer: mujoco.Renderer | None = open_mujoco_renderer(self._model, size, size)
        self.identity = {
            "renderer": self.name,
            "mujoco": mujoco.__version__,
            **gl_strings(),
        }

    def draw(self, states: PictureStates) -> Image:
        """Return pictures, (n, cameras, H, W, 3) uint8."""
        if self._renderer is None:
            raise RuntimeError("The renderer is closed; make a new one.")
        check_not_forked()
        model, data = self._model, self._data
        poses = self.picture_model.poses(states)
        shape = (len(states), len(self._cameras), self._size, self._size, 3)
        pictures: Image = np.empty(shape, dtype=np.uint8)
        for k in range(len(states)):
            poses.put(k, model, data)
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            mujoco.mj_camlight(model, data)
            for picture, camera in zip(pictures[k], self._cameras, strict=True):
                self._renderer.update_scene(data, camera, self._option)
                self._renderer.render(out=picture)
        return pictures

    def close(self) -> None:
        """Free the OpenGL context; calling it twice is allowed."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    @property
    def is_software(self) -> bool:
        """Whether the processor draws, since there is no GPU."""
        name = self.identity["gl_renderer"].lower()
        return any(word in name for word in ("llvmpipe", "softpipe", "swrast", "software"))


def shown_option() -> mujoco.MjvOption:
    """Return the option with which only geoms of the shown groups are drawn."""
    option = mujoco.MjvOption()
    option.geomgroup[:SHOWN_GROUPS], option.geomgroup[SHOWN_GROUPS:] = 1, 0
    option.sitegroup[:] = 0
    option.tendongroup[:] = 0
    return option


def gl_strings() -> dict[str, str]:
    """Return vendor, renderer and version of the OpenGL whose context is current."""
    gl = importlib.import_module("OpenGL.GL")  # chosen by MuJoCo's backend when that is imported
    names = {"gl_vendor": gl.GL_VENDOR, "gl_renderer": gl.GL_RENDERER, "gl_version": gl.GL_VERSION}
    return {name: str(gl.glGetString(key), "utf-8", "replace") for name, key in names.items()}


def _camera(index: int) -> mujoco.MjvCamera:
    camera = mujoco.MjvCamera()
    camera.type, camera.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, index
    return camera
