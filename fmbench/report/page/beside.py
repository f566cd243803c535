"""Work on what has been read in a copy of this process, beside other work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from fmbench.report.copies import copies, cores

T = TypeVar("T")
_work: Callable[[], Any] | None = None
"""What the copy does: it has all that this process knows, so that nothing is sent to it."""


@contextmanager
def beside(work: Callable[[], T], pays: bool) -> Iterator[Callable[[], T]]:
    """Do work in a copy of this process while the context lasts.

    Args:
        work: Returns what can be sent to another process.
        pays: Whether there is enough of it; if not, or where a process cannot be copied safely, it
            is done when its result is asked for.

    Yields:
        What waits for the result, and raises what the work has raised.
    """
    global _work
    if not pays or cores() == 1:
        yield work
        return
    _work = work
    with copies(1) as pool:
        result = pool.submit(_do)
        try:
            yield result.result
        finally:
            _work = None


def _do() -> Any:
    assert _work is not None
    return _work()
