"""How the pictures of a LeRobot data set were drawn, as its `info.json` says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from envs.pictures.renderer import RENDERERS
from fmbench.errors import FmbenchError, shown
from fmbench.lerobot import layout


@dataclass(frozen=True)
class Drawn:
    """What decided the pictures of a data set.

    Attributes:
        cameras: Feature to the name of its camera, in order.
        size: Rows and columns of a picture.
        renderer: What drew them: "rays" or "opengl".
        model: Hash of the model that was drawn; None if it is not stated.
    """

    cameras: Mapping[str, str]
    size: int
    renderer: str
    model: str | None = None

    @classmethod
    def read(cls, folder: Path, ours: Mapping[str, Any]) -> Self | None:
        """Read it from our entry of `info.json`.

        Args:
            folder: The data set, for messages.
            ours: Our entry.

        Returns:
            What decided the pictures; None if there are none.

        Raises:
            FmbenchError: The entry is damaged.
        """
        cameras, pictures = ours.get("cameras") or {}, ours.get("pictures") or {}
        if not isinstance(cameras, dict) or not isinstance(pictures, dict):
            raise FmbenchError(f"{folder / layout.INFO_FILE}: 'cameras' or 'pictures' is no table")
        if not cameras:
            return None
        names = {str(key): str(camera) for key, camera in cameras.items()}
        size, renderer = pictures.get("size"), pictures.get("renderer_renderer")
        if not isinstance(size, int) or renderer not in RENDERERS:
            raise FmbenchError(
                f"{folder / layout.INFO_FILE}: 'pictures' has the size {shown(size)} and the "
                f"renderer {shown(renderer)}; give the data set as fmbench.export wrote it"
            )
        model = pictures.get("model")
        return cls(names, size, renderer, None if model is None else str(model))
