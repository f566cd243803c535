"""Draw runs on several backbones as one table and one figure.

Like the tables of one run, these are functions of the runs' rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.report.comparable import check_alike
from fmbench.report.looks import Looks
from fmbench.report.matrix.figure import render_matrix
from fmbench.report.matrix.rows import MatrixRow, matrix_rows
from fmbench.report.matrix.text import matrix_markdown
from fmbench.report.results import read_results
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.row_files import write_rows

MAY_DIFFER = ("task", "policy", "backbone", "seeds", "preset", "device", "from_run")
"""Values of a configuration that the runs of one matrix may have of their own."""


def draw_matrix(runs: Sequence[Path], out: Path) -> list[Path]:
    """Write `matrix.csv`, `matrix.md` and `matrix.png`.

    Args:
        runs: Folders of runs.
        out: Where to write.

    Returns:
        The paths written.

    Raises:
        FmbenchError: A folder is no run, the runs differ in more than `MAY_DIFFER`, or two hold
            the same policy on the same backbone and task.
    """
    found = {path: read_results(path) for path in runs}
    check_alike(found, MAY_DIFFER, "backbone", "backbone")
    rows = [row for results in found.values() for row in matrix_rows(results)]
    rows = _without_repeated_references(rows)
    paths = [out / MatrixRow.file_name, out / "matrix.md", out / "matrix.png"]
    write_rows(paths[0], rows, MatrixRow)
    write_bytes_atomic(paths[1], matrix_markdown(rows, list(found.values())).encode())
    write_bytes_atomic(
        paths[2], render_matrix(rows, Looks(*(results.run for results in found.values())))
    )
    return paths


def _without_repeated_references(rows: list[MatrixRow]) -> list[MatrixRow]:
    """Keep one row of the expert and of random actions per task, if all runs agree on them."""
    kept: dict[tuple[object, ...], MatrixRow] = {}
    for row in rows:
        key = tuple(getattr(row, name) for name in MatrixRow.key)
        if key in kept and (row.backbone or row != kept[key]):
            raise FmbenchError(f"two runs hold {row.policy} {row.backbone} on {row.task}")
        kept[key] = row
    return list(kept.values())
