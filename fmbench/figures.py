"""The command that redraws a run from its rows: `python -m fmbench.figures RUN_DIR`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.flags import add_debug
from fmbench.cli.parser import Parser

DESCRIPTION = "Redraw a run's tables and figures from its rows."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = Parser("python -m fmbench.figures", DESCRIPTION)
    parser.add_argument("run_dir", type=Path, help="folder of a run; holds episodes.csv")
    parser.add_argument(
        "--format", nargs="+", default=["png"], metavar="FORMAT", help="png (default), svg, or both"
    )
    add_debug(parser)
    given = parser.parse_args(arguments)

    def draw() -> int:
        # Imported here: matplotlib, pandas and scipy take a second that `--help` should not take.
        from fmbench.report.draw import draw_all

        for path in draw_all(given.run_dir, given.format):
            print(path)
        return 0

    return run_command_line(draw, given.debug)


if __name__ == "__main__":
    sys.exit(main())
