"""Draw one table of runs with different numbers of demonstrations.

Like the tables of one run, it is a function of the runs' rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.combined import Combined
from fmbench.report.comparable import check_alike
from fmbench.report.curve.rows import CurveRow, curve_rows, summary_key
from fmbench.report.curve.text import curve_markdown
from fmbench.report.looks import Looks
from fmbench.report.results import read_results
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.rows import key_of

MAY_DIFFER = ("task", "demos", "preset", "device")
"""Configuration values that may differ between the runs of one curve."""


def draw_curve(
    runs: Sequence[Path], out: Path, warn: Callable[[str], None] = lambda line: None
) -> list[Path]:
    """Write `data_curve.csv` and `data_curve.md`.

    Args:
        runs: Folders of runs.
        out: Output folder.
        warn: Called with each caveat of what is drawn.

    Returns:
        The paths written.

    Raises:
        FmbenchError: A folder is not a run, the runs differ in more than `MAY_DIFFER`, or two runs
            have the same policy, task and number of demonstrations.
    """
    results_by_path = {path: read_results(path) for path in runs}
    check_alike(results_by_path, MAY_DIFFER, "demos", "number of demonstrations")
    rows: dict[tuple[object, ...], CurveRow] = {}
    for path, results in results_by_path.items():
        for row in curve_rows(results):
            key = key_of(row)
            if key in rows and (row.demos or row != rows[key]):
                raise FmbenchError(
                    f"{path}: another run also has {row.policy} on {row.task} ({row.demos} "
                    "demonstrations); only equal rows of expert and random may repeat"
                )
            rows[key] = row
    looks = Looks(*(results.run for results in results_by_path.values()))
    paths = [out / CurveRow.file_name, out / "data_curve.md"]
    combined = Combined(
        list(results_by_path.values()),
        lambda results: f"with {results.run.config['demos']} demonstrations",
        summary_key,
    )
    caveats = [combined.row_caveats.get(key, "") for key in rows]
    write_with_caveats(paths[0], list(rows.values()), caveats, CurveRow)
    write_bytes_atomic(paths[1], curve_markdown(list(rows.values()), combined, looks).encode())
    combined.warn(warn)
    return paths
