"""Import of MuJoCo, with a clear error if its OpenGL backend does not start."""

import importlib
import os

from fmbench.errors import FmbenchError


def import_mujoco() -> None:
    """Import MuJoCo before anything that needs it.

    The import loads the backend named by MUJOCO_GL; each backend fails with different exceptions.

    Raises:
        FmbenchError: The backend does not start; the message states the value of MUJOCO_GL.
    """
    backend = os.environ.get("MUJOCO_GL")
    try:
        importlib.import_module("mujoco")
    except Exception as error:
        if not backend:
            raise
        raise FmbenchError(
            f"MUJOCO_GL is {backend!r}, with which MuJoCo cannot be imported ({error}); unset it "
            "or set it to egl (needs libegl1 and libgl1-mesa-dri) or osmesa (needs libosmesa6)"
        ) from error
