"""`python -m fmbench.matrix RUN ...`: lay runs on several backbones side by side.

Like the tables of one run, these are functions of the runs' rows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.several_runs import run_on_runs

DESCRIPTION = "Draw one table and one figure of runs that differ in backbone, task or policy."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_on_runs(
        arguments,
        "python -m fmbench.matrix",
        DESCRIPTION,
        draw,
    )


def draw(runs: Sequence[Path], out: Path) -> list[Path]:
    """Write what the command draws and return the paths; imports what `--help` should not."""
    from fmbench.report.matrix.draw import draw_matrix

    return draw_matrix(runs, out)


if __name__ == "__main__":
    sys.exit(main())
