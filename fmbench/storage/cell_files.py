"""Files of single cells: rows with their origin and a seal, in one file that is written at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fmbench.errors import FmbenchError
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import (
    CellRow,
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    annotated_columns,
    columns,
)
from fmbench.storage.seals import is_sealed, sealed

CELLS_FOLDER = "cells"
_ENDS: dict[type[CellRow], str] = {
    EpisodeRow: "",
    MeasurementRow: ".measurement",
    DiagnosticRow: ".diagnostic",
}
C = TypeVar("C", bound=CellRow)


def cell_file(cells: Path, cell: str, row_type: type[CellRow]) -> Path:
    """Return the file with one kind of rows of the cell with the name `cell`."""
    return cells / f"{cell}{_ENDS[row_type]}.csv"


def read_cells(
    cells: Path, row_type: type[C], leave_out: Callable[[str], None] | None = None
) -> list[tuple[list[C], OriginRow]]:
    """Read one kind of rows of all cells in a folder, in the order of the files' names.

    Args:
        cells: The folder.
        row_type: The kind of rows.
        leave_out: Called with what is wrong with a file, which is left out; None to raise it.

    Raises:
        FmbenchError: A file is malformed or changed.
    """
    ends = tuple(f"{end}.csv" for end in _ENDS.values() if end)
    own = f"{_ENDS[row_type]}.csv"
    paths = [path for path in sorted(cells.glob(f"*{own}")) if not path.name.startswith(".")]
    read = []
    for path in paths:
        if own in ends or not path.name.endswith(ends):
            try:
                read.append(read_cell(path, row_type))
            except FmbenchError as error:
                if leave_out is None:
                    raise
                leave_out(str(error))
    return read


def write_cell(path: Path, rows: Sequence[C], origin: OriginRow, row_type: type[C]) -> None:
    """Write the rows of one cell, each with its origin in further columns, and sealed.

    Raises:
        RunFailed: The disk is full.
    """
    facts = _origin_facts(sealed(origin, rows, row_type))
    wide = _WIDE[row_type]
    write_rows(path, [wide(**_values(row, row_type), **facts) for row in rows], wide)


def read_cell(path: Path, row_type: type[C]) -> tuple[list[C], OriginRow]:
    """Read the rows of one cell, and their origin.

    Raises:
        FmbenchError: The file is missing or malformed, or a value in it has changed.
    """
    wide = read_rows(path, _WIDE[row_type])
    rows = [row_type(**_values(row, row_type)) for row in wide]
    origins = {OriginRow(**row.cell, **_origin_facts(row)): None for row in wide}
    if len(origins) != 1:
        count = "rows of several cells" if origins else "no rows"
        raise FmbenchError(f"{path} holds {count}; delete it, and the same command makes it again")
    (origin,) = origins
    if not is_sealed(origin, rows, row_type):
        raise FmbenchError(
            f"{path} was changed after it was written (rows_hash differs); delete it, and the "
            "same command makes it again"
        )
    return rows, origin


def _origin_facts(row: CellRow) -> dict[str, Any]:
    """Return the columns of the origin that do not name the cell."""
    names = [name for name in columns(OriginRow) if name not in CellRow.key]
    return {name: getattr(row, name) for name in names}


def _values(row: CellRow, row_type: type[CellRow]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in columns(row_type)}


def _wide_type(row_type: type[CellRow]) -> type[Any]:
    """Return the row type with the columns of the origin added."""
    kinds = annotated_columns(OriginRow)
    fields = [(name, kinds[name]) for name in kinds if name not in CellRow.key]
    return dataclasses.make_dataclass(
        f"{row_type.__name__}WithOrigin", fields, bases=(row_type,), frozen=True, kw_only=True
    )


_WIDE = {row_type: _wide_type(row_type) for row_type in _ENDS}
