"""Sections of code that a second Ctrl-C must not cut in two."""

from collections.abc import Iterator
from contextlib import contextmanager

_depth = 0
_interrupted = False


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Defer `KeyboardInterrupt` from signal handlers to the end of the outermost section.

    Raises:
        KeyboardInterrupt: At the end, if a handler called `interrupt` inside the section.
    """
    global _depth, _interrupted
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
    if _interrupted and not _depth:
        _interrupted = False
        raise KeyboardInterrupt


def interrupt() -> None:
    """Raise `KeyboardInterrupt` now, or at the end of the present section; for signal handlers."""
    global _interrupted
    if not _depth:
        raise KeyboardInterrupt
    _interrupted = True
