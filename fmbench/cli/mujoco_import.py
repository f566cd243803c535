"""Import MuJoCo, or say that the OpenGL backend it is told to use does not start."""

import importlib
import os

from fmbench.errors import FmbenchError


def import_mujoco() -> None:
    """Import MuJoCo before anything that needs it.

    Its import loads the backend that MUJOCO_GL names, and fails in each backend's own way.

    Raises:
        FmbenchError: Says what MUJOCO_GL is and what to do.
    """
    chosen = os.environ.get("MUJOCO_GL")
    try:
        importlib.import_module("mujoco")
    except Exception as error:
        if not chosen:
            raise
        raise FmbenchError(
            f"MUJOCO_GL is {chosen!r}, and MuJoCo cannot be imported with it ({error}); unset it, "
            "or set egl (needs libegl1 and libgl1-mesa-dri) or osmesa (needs libosmesa6)"
        ) from error
