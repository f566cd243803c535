"""Locks between processes: one process works in a place, the others learn which one it is.

The lock is the operating system's, on an empty file, so it ends with its process, however that
ends. The lock file stays: removing it could let two processes lock two files of the same name.
Who holds the lock stands in a file next to it, `NAME.lock.holder`, which the holder removes. One
that a killed process left behind is not believed, and the next holder replaces it.

A folder that is replaced as a whole has its lock file beside it (`lock_beside`). A folder that
lasts, perhaps the only one that may be written, has it inside (`lock_inside`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from fmbench.errors import FmbenchError, RunFailed
from fmbench.storage.files import read_json, write_json_atomic
from fmbench.storage.leftovers import recover_target

POLL_S = 0.1
GRACE_S = 0.3
"""Time for which every process tries: one that ends now, or begins now, has said so by then."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
MAX_PURPOSE = 80


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes:
        pid: Its process.
        host: The name of its machine.
        since: When it took the lock, in ISO format with the time zone.
        purpose: What it does, e.g. the command's name.
        started: When the process started, as the system counts; "" if that is not known. It tells
            a process from a later one with the same number.
    """

    pid: int
    host: str
    since: str
    purpose: str
    started: str

    def __str__(self) -> str:
        since = datetime.fromisoformat(self.since).astimezone()
        purpose = f" ({self.purpose})" if self.purpose else ""
        return f"process {self.pid} on {self.host} since {since:%Y-%m-%d %H:%M}{purpose}"


@dataclass(frozen=True)
class Waiting:
    """How to wait for a lock.

    Attributes:
        say: Shows one line that says whom this process waits for.
        stop_here: Called while waiting; it raises if a stop was requested.
    """

    say: Callable[[str], None]
    stop_here: Callable[[], None]


class Lock:
    """A lock that this process holds.

    Args:
        file: The lock file.
        what: What is locked, for messages.
    """

    def __init__(self, file: Path, what: str) -> None:
        self._file, self._what = file, what
        self._identity = _identity(file)

    def check(self) -> None:
        """Check that the locked place still is what this process locked.

        Raises:
            RunFailed: The folder of the lock file was deleted or replaced, so that another
                process may hold the lock there.
        """
        if self._identity is None or _identity(self._file) != self._identity:
            raise RunFailed(
                f"{self._what} was deleted or replaced while this process used it; start again"
            )


def lock_beside(folder: Path) -> Path:
    """Return the lock file of a folder that is replaced as a whole: next to the folder."""
    return folder.with_name(f".{folder.name}.lock")


def lock_inside(folder: Path) -> Path:
    """Return the lock file of a folder that lasts: inside, as its parent may be read-only."""
    return folder / ".lock"


def holder_file(file: Path) -> Path:
    """Return the file that says who holds the lock of `file`."""
    return file.with_name(f"{file.name}.holder")


@contextlib.contextmanager
def locked(
    file: Path, what: str, purpose: str, *, instead: str = "", waiting: Waiting | None = None
) -> Iterator[Lock]:
    """Hold a lock while the context lasts.

    Args:
        file: The lock file; its folder exists.
        what: What is locked, for messages, e.g. the folder.
        purpose: What this process does, for the messages of others.
        instead: What a user can do instead of waiting, e.g. "give another --out".
        waiting: How to wait while another process holds the lock; without it that is an error.

    Yields:
        The lock.

    Raises:
        FmbenchError: Another process holds the lock, or the file cannot be locked.
    """
    lock = FileLock(file)
    _acquire(lock, file, what, instead, waiting)
    mine = _myself(purpose)
    try:
        _sign(file, mine)
        yield Lock(file, what)
    finally:
        # Before the release: afterwards the text could be that of the next holder.
        with contextlib.suppress(OSError):
            if read_holder(file) == mine:
                holder_file(file).unlink()
        lock.release()


def read_holder(file: Path) -> Holder | None:
    """Return who holds the lock of `file`; None if nobody, or if it is not known.

    The text of a process of this machine that has ended is not believed.
    """
    try:
        values = read_json(holder_file(file))
    except (FmbenchError, OSError):
        return None
    texts = {name: values.get(name) for name in ("host", "since", "purpose", "started")}
    pid = values.get("pid")
    if type(pid) is not int or not 0 < pid < 2**31:
        return None
    if not all(isinstance(text, str) and text.isprintable() for text in texts.values()):
        return None
    try:
        datetime.fromisoformat(str(texts["since"]))
    except ValueError:
        return None
    holder = Holder(pid, **{name: str(text)[:MAX_PURPOSE] for name, text in texts.items()})
    return None if holder.host == _host() and _has_ended(holder) else holder


def _acquire(lock: FileLock, file: Path, what: str, instead: str, waiting: Waiting | None) -> None:
    """Acquire a lock, trying until `waiting` ends, or for a moment only."""
    patience = time.monotonic() + GRACE_S
    said = False
    while not _try(lock, file):
        if waiting is not None:
            waiting.stop_here()
        if time.monotonic() >= patience and not said:
            who = read_holder(file) or "another process"
            if waiting is None:
                remedy = f", or {instead}" if instead else ""
                raise FmbenchError(f"{what} is in use by {who}; wait until it has ended{remedy}")
            waiting.say(f"{what} is in use by {who}; waiting until it has ended")
            said = True
        time.sleep(POLL_S)


def _try(lock: FileLock, file: Path) -> bool:
    """Return whether the lock was free, and now is this process's.

    Raises:
        FmbenchError: The file cannot be locked.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it goes on without the system's locks
            lock.acquire(timeout=0)
    except Timeout:
        return False
    except (OSError, NotImplementedError) as error:
        full = isinstance(error, OSError) and error.errno in NO_SPACE
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise (RunFailed if full else FmbenchError)(
            f"{file} cannot be locked ({reason}); give a folder on a disk that has locks and space"
        ) from None
    if isinstance(lock, SoftFileLock):  # a file whose existence is the lock outlives its process
        lock.release()
        raise FmbenchError(
            f"{file} cannot be locked (its file system has no locks); give a folder on another disk"
        )
    return True


def _sign(file: Path, mine: Holder) -> None:
    """Write who holds the lock; without space to write it, others will not know.

    The text of a process that was killed is removed first, also a half-written one.
    """
    with contextlib.suppress(OSError, FmbenchError):
        recover_target(holder_file(file))
        holder_file(file).unlink(missing_ok=True)
        write_json_atomic(holder_file(file), asdict(mine))


def _myself(purpose: str) -> Holder:
    """Return this process as the holder of a lock from now on."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    printable = "".join(c if c.isprintable() else "?" for c in purpose)
    started = _started(os.getpid()) or ""
    return Holder(os.getpid(), _host(), now, printable[:MAX_PURPOSE], started)


def _host() -> str:
    return socket.gethostname()[:MAX_PURPOSE]


def _has_ended(holder: Holder) -> bool:
    """Return whether a holder on this machine is known to have ended."""
    if sys.platform.startswith("linux"):
        return _started(holder.pid) != holder.started
    if os.name != "posix":
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it runs, as another user
        return False
    return False


def _started(pid: int) -> str | None:
    """Return when a process started, in ticks since Linux did; None if it runs no more."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
