"""Import of MuJoCo by a command: clear errors, and no process beside the command."""

import contextlib
import importlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from fmbench.errors import FmbenchError

GLFW_LIBRARY = "PYGLFW_LIBRARY"
"""Environment variable that names GLFW's library file to its Python package."""


def import_mujoco() -> None:
    """Import MuJoCo before anything that needs it.

    The import loads the backend named by MUJOCO_GL; each backend fails with different exceptions.

    Raises:
        FmbenchError: The backend does not start; the message states the value of MUJOCO_GL.
    """
    backend = os.environ.get("MUJOCO_GL")
    try:
        with _glfw_in_this_process():
            importlib.import_module("mujoco")
    except Exception as error:
        if not backend:
            raise
        raise FmbenchError(
            f"MUJOCO_GL is {backend!r}, with which MuJoCo cannot be imported ({error}); unset it "
            "or set it to egl (needs libegl1 and libgl1-mesa-dri) or osmesa (needs libosmesa6)"
        ) from error


@contextlib.contextmanager
def _glfw_in_this_process() -> Iterator[None]:
    """Let GLFW's package load the library that it contains.

    It would start a second Python process to ask each library that it finds for its version. That
    takes a sixth of MuJoCo's import, and if the command is stopped meanwhile, the other process
    writes a traceback to its terminal.
    """
    library = _glfw_library()
    if library is None or GLFW_LIBRARY in os.environ:
        yield
        return
    os.environ[GLFW_LIBRARY] = str(library)
    try:
        yield
    finally:
        del os.environ[GLFW_LIBRARY]


def _glfw_library() -> Path | None:
    """Return GLFW's library for this desktop in its Python package; None if it has none."""
    package = importlib.util.find_spec("glfw")
    if package is None or package.origin is None:
        return None
    asked = os.environ.get("PYGLFW_LIBRARY_VARIANT", "").lower()
    session = os.environ.get("XDG_SESSION_TYPE")
    variant = asked if asked in ("wayland", "x11") else "wayland" if session == "wayland" else "x11"
    library = Path(package.origin).with_name(variant) / "libglfw.so"
    return library if library.is_file() else None
