"""Reading of many runs at once, on several cores where a process can be copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.report.copies import cores, map_in_copies, without_collection
from fmbench.report.results import Results, read_results

MIN_RUNS = 24
"""Fewest runs for which further processes pay."""
MAX_PROCESSES = 8
_AT_ONCE = 4
"""Runs that a process reads before it hands them over."""


def read_all(folders: Sequence[Path], margin: float) -> Iterator[Results | FmbenchError]:
    """Yield the results of every folder, in order, or why they cannot be read.

    See `read_results`; damaged files of cells of an unfinished run are left out.
    """
    processes = min(cores(), MAX_PROCESSES) if len(folders) >= MIN_RUNS else 1
    with without_collection():
        yield from map_in_copies(partial(_read, margin), folders, processes, _AT_ONCE)


def _read(margin: float, folder: Path) -> Results | FmbenchError:
    try:
        return read_results(folder, margin, leaves_out=True)
    except FmbenchError as error:
        return error
