"""Recovery after a process that ended while it wrote: put back what it moved, delete the rest."""

import os
import re
import shutil
from pathlib import Path

_LEFTOVER = re.compile(r"\.(?P<name>.+)\.(?P<pid>[0-9]{1,10})\.(?P<end>tmp|old)")
"""Names of staged files and folders (`tmp`), and of folders moved away for a moment (`old`)."""


def staged(path: Path) -> Path:
    """Return where this process stages what will be `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def recover(folder: Path) -> None:
    """Put back published folders that were moved away, and delete what dead processes staged.

    Call it while holding the lock of `folder`; links are not followed.
    """
    for parent, folders, files in os.walk(folder):
        leftovers = [name for name in (*folders, *files) if _LEFTOVER.fullmatch(name)]
        folders[:] = [name for name in folders if name not in leftovers]
        for name in sorted(leftovers):
            recover_one(Path(parent, name))


def is_leftover(path: Path) -> bool:
    """Return whether a path has the name of something staged or moved away."""
    return _LEFTOVER.fullmatch(path.name) is not None


def published(path: Path) -> Path:
    """Return the path that a staged file or folder, or a file in one, will have."""
    matches = [_LEFTOVER.fullmatch(part) for part in path.parts]
    return Path(*(m["name"] if m else part for m, part in zip(matches, path.parts, strict=True)))


def recover_target(target: Path) -> None:
    """Do the same for one published folder, while holding its lock."""
    if not target.parent.is_dir():
        return
    for path in sorted(target.parent.iterdir()):
        match = _LEFTOVER.fullmatch(path.name)
        if match is not None and match["name"] == target.name:
            recover_one(path)


def recover_one(leftover: Path) -> None:
    """Put back or delete one leftover, unless its process still runs."""
    match = _LEFTOVER.fullmatch(leftover.name)
    assert match is not None
    target = leftover.with_name(match["name"])
    if match["end"] == "old" and not target.exists():
        os.replace(leftover, target)
    elif not _runs(int(match["pid"])):
        _delete(leftover)


def _runs(pid: int) -> bool:
    """Return whether another process of this machine has this number."""
    if pid == os.getpid() or pid == 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
