"""Rows of a run that has not finished: those of its finished cells, one file per cell and kind.

A run appends its rows to the files of the whole run only when all of its cells are there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.storage.episode_files import Episodes
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import DiagnosticRow, EpisodeRow, MeasurementRow, OriginRow, R
from fmbench.storage.run_facts import RUN_FILE, read_run_facts

CELLS_FOLDER = "cells"
_ENDS = {OriginRow: ".origin", MeasurementRow: ".measurement", DiagnosticRow: ".diagnostic"}


@dataclasses.dataclass(frozen=True)
class FinishedCells:
    """The rows of the finished cells of a run, each kind in the order of the files' names."""

    episodes: Episodes
    measurements: list[MeasurementRow]
    diagnostics: list[DiagnosticRow]


def is_unfinished(folder: Path) -> bool:
    """Return whether a folder holds a run that was begun and has not finished."""
    if not (folder / RUN_FILE).exists() or not (folder / CELLS_FOLDER).is_dir():
        return False
    return not read_run_facts(folder).complete


def check_finished(folder: Path) -> None:
    """Reject a run that has not finished.

    Raises:
        FmbenchError: It has not; the message says how to go on.
    """
    if is_unfinished(folder):
        raise FmbenchError(f"{folder} has not finished; its own command resumes it")


def read_finished_cells(folder: Path) -> FinishedCells:
    """Read the finished cells of an unfinished run.

    Raises:
        FmbenchError: A file of a finished cell is missing or malformed.
    """
    paths = list(_episode_files(folder / CELLS_FOLDER))
    return FinishedCells(
        Episodes(
            [row for path in paths for row in read_rows(path, EpisodeRow)],
            [row for path in paths for row in read_rows(_beside(path, OriginRow), OriginRow)],
        ),
        _optional(paths, MeasurementRow),
        _optional(paths, DiagnosticRow),
    )


def _episode_files(cells: Path) -> Iterator[Path]:
    """Yield the files with the episodes of a cell, without half-written files."""
    for path in sorted(cells.glob("*.csv")):
        if not path.name.startswith(".") and not path.stem.endswith(tuple(_ENDS.values())):
            yield path


def _optional(paths: list[Path], row_type: type[R]) -> list[R]:
    """Return the rows beside the episodes of those cells that have them already."""
    files = [_beside(path, row_type) for path in paths]
    return [row for file in files if file.exists() for row in read_rows(file, row_type)]


def _beside(path: Path, row_type: type[R]) -> Path:
    """Return the file with another kind of rows of the same cell."""
    return path.with_name(f"{path.stem}{_ENDS[row_type]}.csv")
