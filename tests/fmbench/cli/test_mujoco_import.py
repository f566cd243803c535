"""A command's import of MuJoCo: it starts no other process and leaves the environment alone."""

import os
import subprocess
import sys

import pytest

from tests.fmbench.small_run import ROOT

PROGRAM = """
import os, sys
started = []
sys.addaudithook(lambda name, words: started.append(words) if name == "subprocess.Popen" else None)
before = dict(os.environ)
from fmbench.cli.mujoco_import import import_mujoco
import_mujoco()
import glfw
print(len(started), dict(os.environ) == before, glfw._glfw is not None)
"""


@pytest.mark.parametrize(
    "environment",
    [{}, {"XDG_SESSION_TYPE": "wayland"}, {"PYGLFW_LIBRARY_VARIANT": "x11"}],
    ids=["default", "session", "variant"],
)
def test_import_starts_no_process(environment: dict[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if "GLFW" not in name}
    kept.pop("MUJOCO_GL", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0 True True\n", done.stderr
