"""Exchange of two paths, in one step where the system can."""

import ctypes
import errno
import os
import sys
from pathlib import Path

AT_FDCWD = -100 if sys.platform == "linux" else -2
EXCHANGE = 2
"""`RENAME_EXCHANGE` of Linux and `RENAME_SWAP` of macOS."""
CALLS = {"linux": "renameat2", "darwin": "renameatx_np"}
UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
"""Errors of a kernel or file system without the call."""


def exchange(new: Path, old: Path) -> None:
    """Exchange two existing paths of one folder; afterwards `new` holds what `old` held.

    Where the system has no such call, `old` is missing for a moment; if the process ends then, what
    it held lies at `moved_away(old)`.
    """
    if _exchange_at_once(new, old):
        return
    away = moved_away(old)
    os.replace(old, away)
    os.replace(new, old)
    os.replace(away, new)


def moved_away(path: Path) -> Path:
    """Return where `exchange` of this process moves `path` for a moment."""
    return path.with_name(f".{path.name}.{os.getpid()}.old")


def _exchange_at_once(new: Path, old: Path) -> bool:
    """Exchange two paths in one system call; return False where there is none."""
    call = getattr(ctypes.CDLL(None, use_errno=True), CALLS.get(sys.platform, ""), None)
    if call is None:
        return False
    if call(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(old), EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(old))
