"""Sections of code that a second Ctrl-C must not cut in two."""

from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(KeyboardInterrupt):
    """An interrupt that a command handles.

    Where code from a string is executed, e.g. by dataclasses, Python marks a process that a plain
    `KeyboardInterrupt` passes, and later ends it by SIGINT, whatever its exit code.
    """


_depth = 0
_interrupted = False


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Defer `Interrupted` from signal handlers to the end of the outermost section.

    Raises:
        Interrupted: At the end, if a handler called `interrupt` inside the section.
    """
    global _depth, _interrupted
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
    if _interrupted and not _depth:
        _interrupted = False
        raise Interrupted


def interrupt() -> None:
    """Raise `Interrupted` now, or at the end of the present section; for signal handlers."""
    global _interrupted
    if not _depth:
        raise Interrupted
    _interrupted = True
