"""Rows of a finished run, complete and verified."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from fmbench.storage.compressed import is_stored
from fmbench.storage.episode_files import EpisodeTable, read_episode_table
from fmbench.storage.learning_rows import LearningRow
from fmbench.storage.row_tables import RowTable, read_table, table_of
from fmbench.storage.rows import DiagnosticRow, MeasurementRow, R, TrainingRow
from fmbench.storage.run_facts import RunFacts
from fmbench.storage.run_rows import check_cells, check_episodes, check_hashes


@dataclasses.dataclass(frozen=True)
class FinishedRows:
    """The rows of a run, each kind in the order of its file; none if it has no such file."""

    episodes: EpisodeTable
    measurements: RowTable[MeasurementRow]
    training: RowTable[TrainingRow]
    diagnostics: RowTable[DiagnosticRow]
    learning: RowTable[LearningRow]


def read_finished_rows(folder: Path, facts: RunFacts) -> FinishedRows:
    """Read the rows of a finished run.

    Args:
        folder: The run's folder.
        facts: The content of its `run.json`.

    Raises:
        FmbenchError: A file is malformed, was changed, or has rows of another run.
    """
    rows = FinishedRows(
        read_episode_table(folder),
        _optional(folder, MeasurementRow),
        _optional(folder, TrainingRow),
        _optional(folder, DiagnosticRow),
        _optional(folder, LearningRow),
    )
    check_episodes(folder, facts, rows.episodes, has_finished=True)
    further = (rows.measurements, rows.training, rows.diagnostics, rows.learning)
    check_cells(folder, facts, further)
    check_hashes(folder, facts)
    return rows


def _optional(folder: Path, row_type: type[R]) -> RowTable[R]:
    path = folder / row_type.file_name
    return read_table(path, row_type) if is_stored(path) else table_of([], row_type)
