"""The first moments of a command, while Python imports it: a signal ends it, with one line.

`fmbench/__init__.py` calls `begin` before it imports anything that takes time. Nothing has been
begun then, and an exception inside an import can be lost or changed: the process ends at once.
"""

import atexit
import contextlib
import os
import signal
import sys
from types import FrameType

from fmbench.exit_code import ExitCode

OWN = ("fmbench", "-mfmbench")
_is_command = False
_code: int | None = None


def begin() -> None:
    """Prepare a process that was started as a command of this package; leave others alone."""
    names = {word.partition(".")[0] for word in sys.orig_argv}
    if sys.argv[:1] != ["-m"] or names.isdisjoint(OWN):  # "-m": the module is still to be found
        return
    global _is_command
    _is_command = True
    for number in stop_signals():
        signal.signal(number, end)
    atexit.register(_ignore_signals)  # the first to be registered is the last to be called
    _occupy_standard_descriptors()


def is_command() -> bool:
    """Return whether this process was started as a command of this package."""
    return _is_command


def decide(code: int) -> None:
    """Let a signal from now on end the process with the exit code of the finished command."""
    global _code
    _code = code


def stop_signals() -> list[signal.Signals]:
    """Return the signals that ask a command to stop; SIGHUP is one unless `nohup` ignores it."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return numbers


def end(number: int, frame: FrameType | None) -> None:
    """Handle a signal: end the process at once."""
    del number, frame
    if _code is None:
        with contextlib.suppress(OSError):
            os.write(2, b"interrupted\n")
    os._exit(ExitCode.INTERRUPTED if _code is None else _code)


def _ignore_signals() -> None:
    """Ignore signals from now on: Python, which is about to finish, would let them kill it.

    The exit code would then not be that of the finished command.
    """
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)


def _occupy_standard_descriptors() -> None:
    """Open the null device for closed standard streams, which files would take the place of.

    What a library writes to stderr would then go into such a file. Standard output is opened for
    reading, so that writing to it is still an error.
    """
    for descriptor, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest free number, this one
