"""Files of rows with a last column `caveat`, which only files with a caveat have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import Row, columns


def write_with_caveats(
    path: Path, rows: Sequence[Row], caveats: Sequence[str], row_type: type[Row]
) -> None:
    """Write rows of a table, each with its caveat; without the column if none has one.

    Args:
        path: The file.
        rows: The rows; they may have more fields than `row_type`.
        caveats: The caveat of each row, or "".
        row_type: Type of the rows.
    """
    if not any(caveats):
        write_rows(path, rows, row_type)
        return
    with_caveat = dataclasses.make_dataclass(
        f"{row_type.__name__}WithCaveat",
        [("caveat", str)],
        bases=(row_type,),
        frozen=True,
        kw_only=True,
    )
    names = columns(row_type)
    marked = [
        with_caveat(**{name: getattr(row, name) for name in names}, caveat=caveat)
        for row, caveat in zip(rows, caveats, strict=True)
    ]
    write_rows(path, marked, with_caveat)
