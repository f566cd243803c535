"""Writing to a disk that is full, or where this process may not write: one line says so."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fmbench.errors import FmbenchError, RunFailed
from fmbench.storage.leftovers import published

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def needs_space(path: Path, size: int) -> Iterator[None]:
    """Convert the error of a full disk, or of a place that is read-only, while `path` is written.

    What was written of it must have been removed when the error arrives here: the message states
    the space that is free then.

    Args:
        path: What is written; if it is staged, the message names its final path.
        size: Its size [bytes].

    Raises:
        RunFailed: The disk, a quota or a limit is full; the message states the path and the
            missing space.
        FmbenchError: This process may not write there.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FORBIDDEN:
            raise FmbenchError(
                f"{published(path)} cannot be written: {error.strerror}; give a folder that can be"
            ) from error
        if error.errno not in FULL:
            raise
        raise _no_space(published(path), size, str(error.strerror)) from error


def _no_space(path: Path, size: int, reason: str) -> RunFailed:
    free = _free(path)
    if free > size:  # a quota or another limit, of which nothing else is known
        return RunFailed(
            f"{path} could not be written: {reason}, though the disk has space for its "
            f"{_amount(size)}; raise that limit, the same command resumes"
        )
    return RunFailed(
        f"{path} could not be written: {reason}; {_amount(size - free + 1)} more needed "
        f"({_amount(size)} in all, {_amount(free)} free); free some space, the same command resumes"
    )


def _amount(size: int) -> str:
    """Return a size as text; a part of a KiB counts as one."""
    kib = -(-size // 2**10)
    return f"{kib} KiB" if kib < 2**10 else f"{kib / 2**10:.1f} MiB"


def _free(path: Path) -> int:
    """Return the free space where `path` is or will be [bytes]."""
    existing = path.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return shutil.disk_usage(existing).free
