"""`python -m fmbench.data_curve RUN ...`: lay runs on different numbers of demonstrations together.

Like the tables of one run, these are functions of the runs' rows.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fmbench.command_line import Parser
from fmbench.config import check_out
from fmbench.errors import FmbenchError, run_command_line
from fmbench.records import Row, write_bytes_atomic, write_rows

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
    parser = Parser(
        "python -m fmbench.data_curve",
        "Draw one table of runs that differ in task and number of demonstrations.",
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    given = parser.parse_args(arguments)

    def draw() -> int:
        check_out(given.out)
        for path in draw_curve(given.runs, given.out):
            print(path)
        return 0

    return run_command_line(draw, given.debug)


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
    check_alike(found)
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


def check_alike(found: dict[Path, Results]) -> None:
    """Refuse runs whose rows must not stand in one table."""
    first: tuple[Path, dict[str, Any]] | None = None
    for path, results in found.items():
        config = results.run.get("config")
        if not isinstance(config, dict) or "demos" not in config:
            raise FmbenchError(f"{path} does not say its demonstrations; give the folder of a run")
        first = first or (path, config)
        differing = [
            f"{name}: {first[1].get(name)} in {first[0]}, {config.get(name)} in {path}"
            for name in sorted(set(first[1]) | set(config))
            if name not in MAY_DIFFER and first[1].get(name) != config.get(name)
        ]
        if differing:
            raise FmbenchError(f"these runs differ in more than their data: {'; '.join(differing)}")


if __name__ == "__main__":
    sys.exit(main())
