"""Space on a disk: one message where it does not suffice."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fmbench.errors import RunFailed

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNIT = 2**20


@contextmanager
def needs_space(path: Path, size: int) -> Iterator[None]:
    """Convert the error of a full disk, quota or file-size limit while `path` is written.

    Args:
        path: The final path of what is written.
        size: Its size [bytes].

    Raises:
        RunFailed: The disk is full; the message states the path and the missing space.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise _no_space(path, size, str(error.strerror)) from error


def check_space(path: Path, size: int) -> None:
    """Check that `size` bytes are free for `path`; used before a library writes, as that may abort.

    Raises:
        RunFailed: They are not; the message states the path and the missing space.
    """
    if _free(path) < size:
        raise _no_space(path, size, "No space left on device")


def _no_space(path: Path, size: int, reason: str) -> RunFailed:
    free = _free(path)
    missing = max(size - free, 1) / UNIT
    return RunFailed(
        f"{path} could not be written: {reason}; {missing:.2f} MiB are missing (needed "
        f"{size / UNIT:.2f}, free {free / UNIT:.2f}); free some space, the same command resumes"
    )


def _free(path: Path) -> int:
    """Return the free space where `path` is or will be [bytes]."""
    existing = path.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return shutil.disk_usage(existing).free
