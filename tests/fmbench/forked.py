"""Commands in processes of their own that start in an instant, by `tests.fmbench.fork_server`.

What a command does in its process is its own and ends with it, as in a new one: registrations,
replaced methods, exit code, what it prints. It does not show which modules a command imports.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fmbench.small_run import ROOT

NO_OPENGL = {"MUJOCO_GL": "disabled"}
"""Read when MuJoCo is imported: nothing is filmed."""


@cache
def _server() -> "subprocess.Popen[str]":
    """Return the server of this process; it ends when its input is closed, with this process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fmbench.fork_server"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **NO_OPENGL},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_forked(cwd: Path, *words: object, **environment: str) -> tuple[int, str, str]:
    """Run `python WORDS` in `cwd`; return its exit code, stdout and stderr.

    Args:
        cwd: A folder outside of the repository.
        words: `-m`, a module and its arguments; or a file and its arguments.
        environment: Variables that nothing reads when it is imported. With `FIGURES="text"` the
            figures of runs are the rows that they show.
    """
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("stdout", "stderr")]
        request = {
            "words": [str(word) for word in words],
            "cwd": str(cwd),
            "files": [str(file) for file in files],
            "environment": environment,
        }
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        out, err = (file.read_text(encoding="utf-8") for file in files)
    return code, out, err
