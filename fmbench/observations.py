"""The command `python -m fmbench.observations RUN ...`: success by what policies observe.

Like the tables of one run, its table and figure are functions of the runs' rows.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.imports import lasting_imports
from fmbench.cli.several_runs import run_on_runs
from fmbench.cli.warnings import warn

DESCRIPTION = "Combine runs that differ in what policies observe in one table and one figure."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_on_runs(arguments, "python -m fmbench.observations", DESCRIPTION, draw)


def draw(runs: Sequence[Path], out: Path, margin: float) -> list[Path]:
    """Write table and figure and return the paths; the import is late to keep `--help` fast."""
    with lasting_imports():
        from fmbench.report.observation.draw import draw_observations

    return draw_observations(runs, out, warn, margin)


if __name__ == "__main__":
    sys.exit(main())
