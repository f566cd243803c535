"""Moments at which a process changes files, and what happens to the process at one of them.

A moment is the instant before Python creates, opens for writing, renames, exchanges or removes a
file or folder.
"""

import contextlib
import gc
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
RENAMES = ("rename", "exchange")


def watch(folder: Path, act: Callable[[str], object]) -> None:
    """Call `act` before each change below `folder`, until this process ends.

    It gets what will happen and to what, e.g. "rename run/.run.json.PID.tmp run/run.json".
    """
    root = os.path.realpath(folder)
    busy = False

    def place(path: Any) -> str:
        full = os.path.abspath(os.fsdecode(path))
        return re.sub(rf"\.{os.getpid()}\.", ".PID.", os.path.relpath(full, root))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal busy
        change = None
        if busy:
            return
        if event == "os.rename":
            change = f"rename {place(arguments[0])} {place(arguments[1])}"
        elif event == "ctypes.dlsym" and arguments[1] in ("renameat2", "renameatx_np"):
            change = "exchange"
        elif event in ("os.mkdir", "os.rmdir", "os.remove"):
            at_folder = event == "os.mkdir" or arguments[1] == -1  # else within one that is open
            change = f"{event[3:]} {place(arguments[0]) if at_folder else arguments[0]}"
        elif event == "open" and not isinstance(arguments[0], int) and arguments[2] & WRITES:
            change = f"open {place(arguments[0])}"
        if change is not None and " .." not in change:
            busy = True
            act(change)
            busy = False

    sys.addaudithook(hook)


def at(number: int, folder: Path, act: Callable[[], object]) -> None:
    """Let this process call `act` just before its change `number` below `folder`, from 0."""
    done = -1

    def count(_: str) -> None:
        nonlocal done
        done += 1
        if done == number:
            act()

    watch(folder, count)


def kill_at(number: int, folder: Path) -> None:
    """Let this process be killed at a moment, as with `kill -9`: nothing is cleaned up."""
    at(number, folder, lambda: os.kill(os.getpid(), signal.SIGKILL))


def fill_at(number: int, folder: Path, free: int = 0) -> None:
    """Fill the disk of `folder` at a moment, but for some bytes."""
    at(number, folder, lambda: fill(folder, free))


def fill(folder: Path, free: int = 0) -> None:
    """Fill the disk of `folder` with a file named "filler" in it, but for some bytes."""
    size = shutil.disk_usage(folder).free - free
    with contextlib.suppress(OSError), (folder / "filler").open("ab", buffering=0) as filler:
        while size > 0:
            size -= filler.write(bytes(min(size, 2**20)))


def record(file: Path, folder: Path) -> None:
    """Let this process append its changes below `folder` to a file elsewhere, one per line."""
    lines = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    watch(folder, lambda change: os.write(lines, f"{change}\n".encode()))


def around_renames(changes: list[str]) -> list[int]:
    """Return the moments just before and just after each rename and exchange."""
    renames = [k for k, change in enumerate(changes) if change.startswith(RENAMES)]
    return sorted({moment for k in renames for moment in (k, k + 1)})


def forked(work: Callable[[], object]) -> int:
    """Do `work` in a copy of this process; return its exit code, -9 if it was killed.

    What the copy was given is no garbage there: simulations and browsers of earlier tests wait, if
    they are deleted, for threads that only this process has.
    """
    process = os.fork()
    if not process:
        gc.freeze()
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
