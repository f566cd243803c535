"""The smallest run, and helpers that start commands in this process or in a new one."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SMALL = (
    *("--preset", "smoke", "--task", "PressEither", "--width", "16", "--depth", "1"),
    *("--episodes", "3", "--demos", "4", "--updates", "6", "--batch-size", "16", "--nfe", "2"),
)
LASTING = (
    *(*SMALL, "--policy", "flow", "bc", "--width", "64", "--depth", "2"),
    *("--episodes", "5", "--demos", "8", "--updates", "300", "--batch-size", "64"),
)
"""As small, but trained long enough that episodes last several decisions and some succeed."""


def call(main: Callable[[Sequence[str]], int], *words: object) -> int:
    """Run a command in this process and return its exit code."""
    try:
        return main([str(word) for word in words])
    except SystemExit as exit_request:
        return int(exit_request.code or 0)


def start(
    cwd: Path, *words: object, stdout: int = subprocess.PIPE, **environment: str
) -> subprocess.Popen[str]:
    """Start `python WORDS` in `cwd`, a folder outside the repository."""
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a command; return its exit code, stdout and stderr."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a folder, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
