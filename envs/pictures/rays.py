"""Pictures of a task by rays that the simulation engine casts, without OpenGL."""

from collections.abc import Sequence

import mujoco
import numpy as np

from envs.cameras import MAIN
from envs.pictures.ray_scene import RayPictures, RayScene
from envs.pictures.scene import PictureModel
from envs.pictures.states import PictureStates
from envs.render import Image
from envs.task import Task

SHADING_VERSION = "1"
"""Changed with every change of how pictures look."""


class RayRenderer:
    """Draws pictures of a task by rays.

    Args:
        task: The task.
        cameras: Names of the cameras.
        size: Pixels in a row and in a column.
        num_threads: Threads that cast rays; 0 means one per processor. Pictures do not depend on
            it.

    Attributes:
        name: `"rays"`.
        identity: What the bytes of a picture depend on, besides its state.
        picture_model: The model that is drawn; the geoms of pictures are its geoms.

    Raises:
        ValueError: A camera is not known or moves, a light moves, or a field of the model changes
            colours.
    """

    name = "rays"

    def __init__(
        self, task: Task, cameras: Sequence[str] = (MAIN,), size: int = 96, num_threads: int = 0
    ) -> None:
        self.picture_model = PictureModel(task, cameras)
        self.identity = {
            "renderer": self.name,
            "shading": SHADING_VERSION,
            "mujoco": mujoco.__version__,
            "numpy": np.__version__,
        }
        self._scene: RayScene | None = RayScene(
            self.picture_model.model,
            self.picture_model.cameras,
            size,
            self.picture_model.changes,
            num_threads,
        )

    def draw(self, states: PictureStates) -> Image:
        """Return pictures, (n, cameras, H, W, 3) uint8."""
        return self._open_scene.draw(self.picture_model.poses(states))

    def cast(self, states: PictureStates) -> RayPictures:
        """Return pictures with the depth and the geom of each pixel."""
        return self._open_scene.cast(self.picture_model.poses(states))

    @property
    def _open_scene(self) -> RayScene:
        if self._scene is None:
            raise RuntimeError("The renderer is closed; make a new one.")
        return self._scene

    def close(self) -> None:
        """Free the simulations; calling it twice is allowed."""
        self._scene = None
