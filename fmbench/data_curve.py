"""The command `python -m fmbench.data_curve RUN ...`: success against number of demonstrations.

Like the tables of one run, its table is a function of the runs' rows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.imports import lasting_imports
from fmbench.cli.several_runs import run_on_runs
from fmbench.cli.warnings import warn

DESCRIPTION = "Combine runs that differ in task and number of demonstrations in one table."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_on_runs(
        arguments,
        "python -m fmbench.data_curve",
        DESCRIPTION,
        draw,
        has_verdicts=False,
    )


def draw(runs: Sequence[Path], out: Path) -> list[Path]:
    """Write the table and return the paths; the import is late to keep `--help` fast."""
    with lasting_imports():
        from fmbench.report.curve.draw import draw_curve

    return draw_curve(runs, out, warn)


if __name__ == "__main__":
    sys.exit(main())
