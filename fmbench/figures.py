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
    parser.add_argument(
        "run_dir",
        type=Path,
        help="folder of a run; holds episodes.csv or episodes.csv.xz, and cells.csv",
    )
    parser.add_argument(
        "--format", nargs="+", default=["png"], metavar="FORMAT", help="png (default), svg, or both"
    )
    parser.add_argument(
        "--compress",
        action="store_true",
        help="first put episodes.csv.xz in the place of episodes.csv, to be committed; a run's "
        "folder of an earlier version is brought to the present form",
    )
    add_debug(parser)
    given = parser.parse_args(arguments)

    def draw() -> int:
        # Imported here: matplotlib, pandas and scipy take a second that `--help` should not take.
        from fmbench.report.draw import draw_all
        from fmbench.storage.episode_files import compress_run

        if given.compress:
            for path in compress_run(given.run_dir):
                print(path)
        for path in draw_all(given.run_dir, given.format):
            print(path)
        return 0

    return run_command_line(draw, given.debug)


if __name__ == "__main__":
    sys.exit(main())
