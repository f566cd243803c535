"""Reading of many runs at once, on several cores where a process can be copied."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from fmbench.report.results import Results, read_results

MIN_RUNS = 24
"""Fewest runs for which further processes pay."""
MAX_PROCESSES = 8
_AT_ONCE = 4
"""Runs that a process reads before it hands them over."""


def read_all(folders: Sequence[Path], margin: float) -> Iterator[Results]:
    """Yield the results of every folder, in order; see `read_results`.

    A copied process knows what plug-ins have registered. Elsewhere than on Linux, where it cannot
    be copied safely, one process reads all.
    """
    read = partial(read_results, margin=margin)
    processes = min(_cores(), MAX_PROCESSES) if len(folders) >= MIN_RUNS else 1
    with _without_collection():
        if processes == 1:
            yield from map(read, folders)
            return
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(processes, context, leave_interrupts_to_parent) as pool:
            try:
                yield from pool.map(read, folders, chunksize=_AT_ONCE)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def may_copy() -> bool:
    """Return whether a copy of this process pays, and is safe."""
    return _cores() > 1


def leave_interrupts_to_parent() -> None:
    """Ignore Ctrl-C, which the terminal sends to all processes of a command."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.disable()


@contextmanager
def _without_collection() -> Iterator[None]:
    """Do not search for cycles meanwhile: rows have none, and there are millions of values."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
