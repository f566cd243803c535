"""`python -m fmbench.matrix RUN ...`: lay runs on several backbones side by side.

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

MAY_DIFFER = ("task", "policy", "backbone", "seeds", "preset", "device", "from_run")
"""Values of a configuration that the runs of one matrix may have of their own."""


@dataclasses.dataclass(frozen=True)
class MatrixRow(Row):
    """One task, backbone, policy, sampler and number of steps, over all training seeds."""

    file_name: ClassVar[str] = "matrix.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "backbone", "policy", "sampler", "steps")

    task: str
    backbone: str
    """Empty for the expert and for random actions."""
    policy: str
    sampler: str
    steps: int
    nfe: float
    train_seeds: int
    episodes: int
    success_rate: float
    low: float
    high: float
    seed_rates: str
    modes: str
    parameters: float | None
    chunk_distance: float | None
    nearest_chunk_distance: float | None
    straightness: float | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_on_runs(
        arguments,
        "python -m fmbench.matrix",
        "Draw one table and one figure of runs that differ in backbone, task or policy.",
        draw_matrix,
    )


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
    # Imported here: matplotlib, pandas and scipy take a second that `--help` should not take.
    from fmbench.matrix_figure import render_matrix
    from fmbench.matrix_text import matrix_markdown
    from fmbench.results import read_results

    found = {path: read_results(path) for path in runs}
    check_alike(found, MAY_DIFFER, "backbone", "backbone")
    rows = [row for results in found.values() for row in matrix_rows(results)]
    rows = _without_repeated_references(rows)
    paths = [out / MatrixRow.file_name, out / "matrix.md", out / "matrix.png"]
    write_rows(paths[0], rows, MatrixRow)
    write_bytes_atomic(paths[1], matrix_markdown(rows, list(found.values())).encode())
    write_bytes_atomic(paths[2], render_matrix(rows))
    return paths


def matrix_rows(results: Results) -> list[MatrixRow]:
    """Return the rows of one run."""
    from fmbench.tables import CELL, REFERENCES

    backbone = results.run["config"]["backbone"]
    means = results.diagnostics.groupby(CELL)[
        ["chunk_distance", "nearest_chunk_distance", "straightness"]
    ].mean()
    rows = []
    for row in results.summary.to_dict("records"):
        cell = tuple(row[name] for name in CELL)
        seen = means.loc[cell].to_dict() if cell in means.index else {}
        looks: dict[str, Any] = {name: _or_none(seen.get(name)) for name in means.columns}
        row["parameters"] = _or_none(row["parameters"])
        taken: dict[str, Any] = {
            f.name: row[f.name] for f in dataclasses.fields(MatrixRow) if f.name in row
        }
        is_reference = row["policy"] in REFERENCES
        rows.append(MatrixRow(backbone="" if is_reference else backbone, **taken, **looks))
    return rows


def _without_repeated_references(rows: list[MatrixRow]) -> list[MatrixRow]:
    """Keep one row of the expert and of random actions per task, if all runs agree on them."""
    kept: dict[tuple[object, ...], MatrixRow] = {}
    for row in rows:
        key = tuple(getattr(row, name) for name in MatrixRow.key)
        if key in kept and (row.backbone or row != kept[key]):
            raise FmbenchError(f"two runs hold {row.policy} {row.backbone} on {row.task}")
        kept[key] = row
    return list(kept.values())


def _or_none(value: float | None) -> float | None:
    """Return a number, or None for what was not measured."""
    return None if value is None or value != value else float(value)


if __name__ == "__main__":
    sys.exit(main())
