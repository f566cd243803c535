"""Draw one table of runs with different numbers of demonstrations.

Like the tables of one run, it is a function of the runs' rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.report.caveat_column import write_with_caveats
from fmbench.report.combined import Combined
from fmbench.report.comparable import read_alike, without_repeats
from fmbench.report.curve.figure import render_curve
from fmbench.report.curve.rows import CurveRow, curve_rows, summary_key
from fmbench.report.curve.text import curve_markdown
from fmbench.report.looks import Looks
from fmbench.report.may_differ import CURVE as MAY_DIFFER
from fmbench.report.rendering import write_figure
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.rows import REFERENCES, key_of


def draw_curve(
    runs: Sequence[Path],
    out: Path,
    warn: Callable[[str], None] = lambda line: None,
    formats: Sequence[str] = ("png",),
    only: Mapping[Path, Sequence[str]] | None = None,
) -> list[Path]:
    """Write `data_curve.csv`, `data_curve.md` and the figure `data_curve`.

    Args:
        runs: Folders of runs.
        out: Output folder.
        warn: Called with each caveat of what is drawn.
        formats: Formats of the figure.
        only: Folder of a run to those of its policies that are read; all where there is none.

    Returns:
        The paths written.

    Raises:
        FmbenchError: A folder is not a run, the runs differ in more than `MAY_DIFFER`, two runs
            have the same policy, task and number of demonstrations, or a policy has several
            headlines.
    """
    all_results = read_alike(runs, MAY_DIFFER, "demos", "number of demonstrations", only=only)
    rows = without_repeats(
        (row for results in all_results for row in curve_rows(results)),
        _what,
    )
    _check_headlines(rows)
    paths = [out / CurveRow.file_name, out / "data_curve.md"]
    combined = Combined(
        all_results,
        lambda results: f"with {results.run.config['demos']} demonstrations",
        summary_key,
    )
    caveats = [combined.row_caveats.get(key_of(row), "") for row in rows]
    write_with_caveats(paths[0], rows, caveats, CurveRow)
    looks = Looks(*(results.run for results in all_results))
    write_bytes_atomic(paths[1], curve_markdown(rows, combined, looks).encode())
    render = partial(render_curve, rows, combined, looks)
    paths += write_figure(out / "data_curve", formats, render)
    combined.warn(warn)
    return paths


def _what(row: CurveRow) -> str:
    """Return what a row is about; the expert and random actions learn from no demonstrations."""
    learns = row.policy not in REFERENCES
    return f"{row.policy} on {row.task}" + f" with {row.demos} demonstrations" * learns


def _check_headlines(rows: Sequence[CurveRow]) -> None:
    """Reject a policy whose points are of several samplers or numbers of steps."""
    first: dict[str, CurveRow] = {}
    for row in rows:
        there = first.setdefault(row.policy, row)
        if (there.sampler, there.steps) != (row.sampler, row.steps):
            raise FmbenchError(
                f"the headline of {_what(there)} is {there.sampler} {there.steps}, that of "
                f"{_what(row)} {row.sampler} {row.steps}; evaluate both with the same largest --nfe"
            )
