"""Errors that a user can cure, and how a command line shows them: one line and an exit code.

Exit codes: 0 done, 1 the run failed, 2 bad input, 130 interrupted, 141 the reader of stdout left.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class FmbenchError(Exception):
    """Bad input; the message is one line that says what was given and what to do about it."""

    exit_code: ClassVar[int] = 2


class RunFailed(FmbenchError):  # noqa: N818 - a state of the run, as in subprocess.TimeoutExpired
    """A run that started well and could not be finished."""

    exit_code: ClassVar[int] = 1


def unknown(kind: str, given: str, known: Iterable[str]) -> FmbenchError:
    """Build the error for a name that is not in a list of names.

    Args:
        kind: What the name names, e.g. `"task"`.
        given: The name that was given.
        known: The names that are accepted.

    Returns:
        The error, to be raised by the caller; near matches come before the full list.
    """
    names = sorted(known)
    near = difflib.get_close_matches(given, names, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    # `envs.registry` and `policies.registry`, which must not import this, say it in the same words.
    return FmbenchError(f"unknown {kind} {given!r}; {hint}known: {', '.join(names) or 'none'}")
