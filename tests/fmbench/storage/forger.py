"""Hashes that agree with changed rows, as a forger would write them."""

import contextlib
import dataclasses
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.storage import cell_files
from fmbench.storage.episode_files import Episodes, write_episodes
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import (
    CellRow,
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    columns,
)
from fmbench.storage.run_facts import read_run_facts, write_run_facts
from fmbench.storage.run_rows import hash_rows
from tests.reseal import change_run

KINDS: dict[str, type[CellRow]] = {
    ".measurement.csv": MeasurementRow,
    ".diagnostic.csv": DiagnosticRow,
    ".csv": EpisodeRow,
}


def forge_run(folder: Path) -> None:
    """Make the hashes of a finished run agree with its rows, as far as they can be read."""
    with contextlib.suppress(FmbenchError):
        rows = read_rows(folder / EpisodeRow.file_name, EpisodeRow)
        write_episodes(folder, Episodes(rows, read_rows(folder / "cells.csv", OriginRow)))
    with contextlib.suppress(FmbenchError, ValueError, OSError):
        change_run(folder)
    with contextlib.suppress(FmbenchError, ValueError, KeyError):
        facts = read_run_facts(folder)
        write_run_facts(folder, dataclasses.replace(facts, sha256=hash_rows(folder)))


def forge_cell(path: Path) -> None:
    """Make the seal of a cell's file agree with its rows, as far as they can be read."""
    row_type = next(kind for end, kind in KINDS.items() if path.name.endswith(end))
    with contextlib.suppress(FmbenchError):
        wide = read_rows(path, cell_files._WIDE[row_type])
        for first in wide[:1]:
            names = [name for name in columns(OriginRow) if name not in CellRow.key]
            origin = OriginRow(**first.cell, **{name: getattr(first, name) for name in names})
            cell_files.write_cell(path, wide, origin, row_type)
