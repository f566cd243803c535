"""Where the rows behind a number are: a file beside the page, and lines of it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import numpy as np

from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.results import Results
from fmbench.storage.compressed import is_stored, stored_path
from fmbench.storage.rows import EpisodeRow

FIRST_LINE = 2
"""Line of the first row, below the header; lines are counted from 1."""


def lines_of_cells(results: Results) -> dict[SummaryKey, str]:
    """Return the lines of the file of episodes that every cell counts, e.g. `2-101, 502-601`.

    Nothing of an unfinished run, whose cells have a file each.
    """
    episodes, places = results.episodes, results.places
    if places is None or not len(episodes):
        return {}
    columns = [episodes[name].to_numpy() for name in CELL]
    changes = np.logical_or.reduce([values[1:] != values[:-1] for values in columns])
    starts = np.flatnonzero(np.concatenate(([True], changes | (np.diff(places) > 1))))
    ranges: dict[SummaryKey, list[tuple[int, int]]] = {}
    for start, end in zip(starts, [*starts[1:], len(places)], strict=True):
        cell = SummaryKey(*(values[start] for values in columns))
        ranges.setdefault(cell, []).append((int(places[start]), int(places[end - 1])))
    return {
        cell: ", ".join(f"{a + FIRST_LINE}-{b + FIRST_LINE}" for a, b in of_cell)
        for cell, of_cell in ranges.items()
    }


def file_of_episodes(run: Path) -> Path:
    """Return the file of a run's episodes, or the run's folder if it has not finished."""
    path = run / EpisodeRow.file_name
    return stored_path(path) if is_stored(path) else run


def link(path: Path, folder: Path) -> str:
    """Return the address of a file, relative to the folder of a page."""
    relative = Path(os.path.relpath(os.path.abspath(path), os.path.abspath(folder)))
    return quote(relative.as_posix())
