"""Draw runs on different numbers of demonstrations as one table.

Like the tables of one run, it is a function of the runs' rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.report.comparable import check_alike
from fmbench.report.curve.rows import CurveRow, curve_rows
from fmbench.report.curve.text import curve_markdown
from fmbench.report.looks import Looks
from fmbench.report.results import read_results
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.row_files import write_rows

MAY_DIFFER = ("task", "demos", "preset", "device")
"""Values of a configuration that the runs of one curve may have of their own."""


def draw_curve(runs: Sequence[Path], out: Path) -> list[Path]:
    """Write `data_curve.csv` and `data_curve.md`.

    Args:
        runs: Folders of runs.
        out: Where to write.

    Returns:
        The paths written.

    Raises:
        FmbenchError: A folder is no run, the runs differ in more than `MAY_DIFFER`, or two hold
            the same task and number of demonstrations.
    """
    found = {path: read_results(path) for path in runs}
    check_alike(found, MAY_DIFFER, "demos", "number of demonstrations")
    rows: dict[tuple[object, ...], CurveRow] = {}
    for path, results in found.items():
        for row in curve_rows(results):
            key = tuple(getattr(row, name) for name in CurveRow.key)
            if key in rows and (row.demos or row != rows[key]):
                raise FmbenchError(f"{path}: another run holds {row.policy} on {row.task} as well")
            rows[key] = row
    looks = Looks(*(results.run for results in found.values()))
    paths = [out / CurveRow.file_name, out / "data_curve.md"]
    write_rows(paths[0], list(rows.values()), CurveRow)
    write_bytes_atomic(paths[1], curve_markdown(list(rows.values()), looks).encode())
    return paths
