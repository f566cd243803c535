"""Folders that a command really cannot write, even where the tests run as root."""

import ctypes
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fmbench.small_run import ROOT

DROP_FROM_BOUNDING_SET = 24  # prctl(2)
ROOT_WRITES_ANYWHERE = 1  # CAP_DAC_OVERRIDE of capabilities(7)


def obey_permissions() -> None:
    """Give up root's privilege to write where permissions forbid it, for the next program."""
    if os.getuid() == 0:
        ctypes.CDLL(None, use_errno=True).prctl(DROP_FROM_BOUNDING_SET, ROOT_WRITES_ANYWHERE)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder and all in it read-only while the context lasts."""
    paths = [folder, *folder.rglob("*")]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def run_obeying(cwd: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS` in `cwd` as a process that permissions bind."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        preexec_fn=obey_permissions,
        capture_output=True,
        text=True,
        timeout=120,
    )


def state_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return inode and times of a folder and all in it: what creating or removing changes."""
    paths = [folder, *folder.rglob("*")]
    return {
        path.relative_to(folder).as_posix(): (s.st_ino, s.st_mtime_ns, s.st_ctime_ns)
        for path, s in ((path, path.stat()) for path in paths)
    }
