"""Exceptions of a user's code, told in one line: what was at work, where it failed, and why."""

import os
import sysconfig
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from fmbench.errors import FmbenchError, RunFailed

PROJECT = tuple(Path(__file__).parents[2] / name for name in ("envs", "policies", "fmbench"))
LIBRARY = Path(sysconfig.get_path("stdlib"))
INSTALLED = {"site-packages", "dist-packages"}
MAX_LENGTH = 300
"""Most characters of a user's message that are shown."""


def describe(error: BaseException) -> str:
    """Return where and why a user's code failed, in one line.

    The place is the last line outside this project, the standard library and installed packages
    that was at work; the last line of all if there is none.
    """
    text = " ".join(str(error).split())[:MAX_LENGTH]
    reason = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, SyntaxError):  # it knows its place, and is raised elsewhere
        reason = f"{type(error).__name__}: {error.msg}"
        file = error.filename
        return f"{shown_path(file)}, line {error.lineno}: {reason}" if file else reason
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_users(frame.filename)] or frames
    return f"{shown_path(own[-1].filename)}, line {own[-1].lineno}: {reason}" if own else reason


@contextmanager
def users_code(work: str, files: Collection[str]) -> Iterator[None]:
    """Turn an exception of work with a user's code into one line, with exit code 1.

    `ValueError` and `OSError` of this project stay, which commands show in one line.

    Args:
        work: What is done, e.g. "PressEither l1 training".
        files: The user's files that take part in it; without any, every exception stays.

    Raises:
        RunFailed: The work failed; the message names the exception and the line of the user's file.
    """
    try:
        yield
    except FmbenchError:
        raise
    except Exception as error:
        if not files or (isinstance(error, (ValueError, OSError)) and not passes(error, files)):
            raise
        raise failure(error, work) from error


def failure(error: Exception, work: str) -> RunFailed:
    """Build the error for an exception of a user's code."""
    return RunFailed(f"{work} failed at {describe(error)} (--debug shows the traceback)")


def passes(error: BaseException, files: Collection[str]) -> bool:
    """Return whether code of one of some files, given by absolute paths, led to an exception."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(os.path.abspath(frame.filename) in files for frame in frames)


def _is_users(filename: str) -> bool:
    path = Path(os.path.abspath(filename))
    return not (
        filename.startswith("<")
        or INSTALLED.intersection(path.parts)
        or any(path.is_relative_to(folder) for folder in (*PROJECT, LIBRARY))
    )


def shown_path(filename: str) -> str:
    """Return a path relative to the working directory if it is below it."""
    path, here = os.path.abspath(filename), os.getcwd()
    return os.path.relpath(path, here) if path.startswith(f"{here}{os.sep}") else filename
