"""Copies of this process that work on several cores.

A copied process knows what plug-ins have registered. Where it cannot be copied safely, elsewhere
than on Linux or beside other threads, those of torch among them, one process does all.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")


def cores() -> int:
    """Return how many processes can work at once; 1 where this one cannot be copied safely."""
    if sys.platform != "linux" or threading.active_count() > 1 or "torch" in sys.modules:
        return 1
    return len(os.sched_getaffinity(0))


@contextmanager
def copies(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Have copies of this process while the context lasts, which an error ends at once."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, context, _leave_interrupts_to_parent) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def map_in_copies(
    work: Callable[[S], T], values: Sequence[S], processes: int, at_once: int = 1
) -> Iterator[T]:
    """Yield what some work returns for each value, in order.

    Args:
        work: Can be sent to another process, like what it takes and returns.
        values: What it is called with.
        processes: How many of them; one is this process itself.
        at_once: Values that a copy takes together.
    """
    if processes == 1:
        yield from map(work, values)
        return
    with copies(processes) as pool:
        yield from pool.map(work, values, chunksize=at_once)


def _leave_interrupts_to_parent() -> None:
    """Ignore Ctrl-C, which the terminal sends to all processes of a command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.disable()


@contextmanager
def without_collection() -> Iterator[None]:
    """Do not search for cycles meanwhile: rows have none, and there are millions of values."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
