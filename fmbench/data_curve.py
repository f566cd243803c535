"""`python -m fmbench.data_curve RUN ...`: lay runs on different numbers of demonstrations together.

Like the tables of one run, these are functions of the runs' rows.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fmbench.errors import FmbenchError
from fmbench.records import Row, write_bytes_atomic, write_rows
from fmbench.run_sets import check_alike, run_on_runs

if TYPE_CHECKING:
    from fmbench.results import Results

MAY_DIFFER = ("task", "demos", "preset", "device")
"""Values of a configuration that the runs of one curve may have of their own."""


@dataclasses.dataclass(frozen=True)
class CurveRow(Row):
    """One task, policy and number of demonstrations, at the policy's headline sampler."""

    file_name: ClassVar[str] = "data_curve.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "policy", "demos")

    task: str
    policy: str
    demos: int
    """0 for the expert and for random actions."""
    sampler: str
    steps: int
    train_seeds: int
    episodes: int
    success_rate: float
    low: float
    high: float
    is_ahead_of: str
    """Policies of the same run that it is ahead of, by the run's own comparisons."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_on_runs(
        arguments,
        "python -m fmbench.data_curve",
        "Draw one table of runs that differ in task and number of demonstrations.",
        draw_curve,
    )


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
    from fmbench.data_curve_text import curve_markdown
    from fmbench.results import read_results

    found = {path: read_results(path) for path in runs}
    check_alike(found, MAY_DIFFER, "demos", "number of demonstrations")
    rows: dict[tuple[object, ...], CurveRow] = {}
    for path, results in found.items():
        for row in curve_rows(results):
            key = tuple(getattr(row, name) for name in CurveRow.key)
            if key in rows and (row.demos or row != rows[key]):
                raise FmbenchError(f"{path}: another run holds {row.policy} on {row.task} as well")
            rows[key] = row
    paths = [out / CurveRow.file_name, out / "data_curve.md"]
    write_rows(paths[0], list(rows.values()), CurveRow)
    write_bytes_atomic(paths[1], curve_markdown(list(rows.values())).encode())
    return paths


def curve_rows(results: Results) -> list[CurveRow]:
    """Return the rows of one run."""
    from fmbench.tables import REFERENCES

    ahead: dict[tuple[str, str], list[str]] = {}
    for pair in results.comparisons.to_dict("records"):
        if pair["verdict"] not in ("tie", "not comparable"):
            a, b = pair["policy_a"], pair["policy_b"]
            better, worse = (a, b) if pair["difference"] > 0 else (b, a)
            ahead.setdefault((pair["task"], better), []).append(worse)
    rows = []
    for row in results.summary.to_dict("records"):
        if not row["headline"]:
            continue
        taken: dict[str, Any] = {
            f.name: row[f.name] for f in dataclasses.fields(CurveRow) if f.name in row
        }
        demos = 0 if row["policy"] in REFERENCES else results.run["config"]["demos"]
        beaten = ", ".join(sorted(ahead.get((row["task"], row["policy"]), [])))
        rows.append(CurveRow(**taken, demos=demos, is_ahead_of=beaten))
    return rows


if __name__ == "__main__":
    sys.exit(main())
