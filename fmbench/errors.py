"""Errors that a user can correct, each with one line of text and an exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

from fmbench.exit_code import ExitCode

_MAX_SHOWN = 60
_MAX_LINE, _END = 2000, 400


class FmbenchError(Exception):
    """Bad input; the message is one line: what was given, then what is accepted."""

    exit_code: ClassVar[int] = ExitCode.BAD_INPUT

    def __init__(self, message: str = "") -> None:
        super().__init__(_one_line(message))


class ExtraMissing(FmbenchError):  # noqa: N818 - a state of the installation
    """A task needs an optional package that is not installed."""


class RunFailed(FmbenchError):  # noqa: N818 - a state of the run, as in subprocess.TimeoutExpired
    """A valid run that could not be finished."""

    exit_code: ClassVar[int] = ExitCode.FAILED


class Incomplete(FmbenchError):  # noqa: N818 - a state of the results, like RunFailed
    """A run that was done, but not all of its results count as results."""

    exit_code: ClassVar[int] = ExitCode.INCOMPLETE


def shown(value: object) -> str:
    """Return a value of a file as a message shows it: on one line, cut if it is long."""
    text = repr(value[: _MAX_SHOWN + 1] if isinstance(value, str | bytes) else value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def unknown(kind: str, name: str, known: Iterable[str]) -> FmbenchError:
    """Build the error for an unknown name.

    Args:
        kind: What is named, e.g. `"task"`.
        name: The name that was given.
        known: The accepted names.

    Returns:
        The error, to be raised by the caller; near matches are listed before the accepted names.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name[:_MAX_SHOWN], names, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    # `envs.registry` and `policies.registry`, which must not import this, use the same text.
    return FmbenchError(f"unknown {kind} {shown(name)}; {hint}known: {', '.join(names) or 'none'}")


def _one_line(message: str) -> str:
    """Return a message in printable characters; what a file holds may be in it."""
    if not message.isprintable():
        parts = (c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(message.splitlines()))
        message = "".join(parts)
    if len(message) > _MAX_LINE:
        message = f"{message[: _MAX_LINE - _END]} ... {message[-_END:]}"
    return message
