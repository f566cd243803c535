"""Imports of a command last: no garbage is searched for in what they bring."""

import subprocess
import sys

import pytest

from tests.fmbench.small_run import ROOT

PROGRAM = """
import contextlib, gc, sys
sys.argv, sys.orig_argv = ["-m"], ["python", "-m", sys.argv[1]]
from fmbench.cli.imports import lasting_imports
frozen = gc.get_freeze_count()
with contextlib.suppress(ImportError), lasting_imports():
    print(gc.isenabled())
    import no_such_module
print(gc.isenabled(), gc.get_freeze_count() > frozen)
gc.disable()
with lasting_imports():
    pass
print(gc.isenabled())
"""


@pytest.mark.parametrize(
    ("module", "expected"),
    [("fmbench.run", "False\nTrue True\nFalse\n"), ("users_script", "True\nTrue False\nFalse\n")],
)
def test_only_a_command_keeps_what_it_imports(module: str, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (expected, "")
