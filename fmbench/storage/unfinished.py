"""Rows of a run that has not finished: those of its finished cells, one file per cell and kind.

A run appends its rows to the files of the whole run only when all of its cells are there.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.storage.cell_files import CELLS_FOLDER, C, read_cells
from fmbench.storage.compressed import is_stored
from fmbench.storage.episode_files import EpisodeTable
from fmbench.storage.row_tables import RowTable, table_of
from fmbench.storage.rows import DiagnosticRow, EpisodeRow, MeasurementRow
from fmbench.storage.run_facts import RUN_FILE, RunFacts, read_run_facts
from fmbench.storage.run_rows import check_cells, check_episodes


@dataclasses.dataclass(frozen=True)
class FinishedCells:
    """The rows of the finished cells of a run, each kind in the order of the files' names."""

    episodes: EpisodeTable
    measurements: RowTable[MeasurementRow]
    diagnostics: RowTable[DiagnosticRow]


def is_unfinished(folder: Path) -> bool:
    """Return whether a folder holds a run that was begun and has not finished.

    It has no cells yet while its first policies are trained; a folder of the first version has none
    either, but rows.
    """
    if not os.path.lexists(folder / RUN_FILE):
        return False
    has_cells = (folder / CELLS_FOLDER).is_dir()
    if not has_cells and is_stored(folder / EpisodeRow.file_name):
        return False
    return not read_run_facts(folder).complete


def check_finished(folder: Path) -> None:
    """Reject a run that has not finished.

    Raises:
        FmbenchError: It has not; the message says how to go on.
    """
    if is_unfinished(folder):
        raise FmbenchError(f"{folder} has not finished; its own command resumes it")


def read_finished_cells(
    folder: Path, facts: RunFacts, leave_out: Callable[[str], None] | None = None
) -> FinishedCells:
    """Read the finished cells of an unfinished run.

    Args:
        folder: The run's folder.
        facts: The content of its `run.json`.
        leave_out: Called with what is wrong with a file, which is left out; None to raise it.

    Raises:
        FmbenchError: A file of a finished cell is malformed, was changed or is of another run.
    """
    cells = folder / CELLS_FOLDER
    read = read_cells(cells, EpisodeRow, leave_out)
    rows = [row for rows, _ in read for row in rows]
    episodes = EpisodeTable(table_of(rows, EpisodeRow), [origin for _, origin in read])
    measurements = _table(cells, MeasurementRow, leave_out)
    diagnostics = _table(cells, DiagnosticRow, leave_out)
    check_episodes(cells, facts, episodes, has_finished=False)
    check_cells(cells, facts, (measurements, diagnostics))
    return FinishedCells(episodes, measurements, diagnostics)


def _table(cells: Path, row_type: type[C], leave_out: Callable[[str], None] | None) -> RowTable[C]:
    rows = [row for rows, _ in read_cells(cells, row_type, leave_out) for row in rows]
    return table_of(rows, row_type)
