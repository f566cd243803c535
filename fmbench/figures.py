"""The command `python -m fmbench.figures RUN_DIR`: redraw a run from its rows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fmbench.cli.command import run_command
from fmbench.cli.imports import lasting_imports
from fmbench.cli.numbers import MARGIN, add_numbers, margin
from fmbench.cli.parser import Parser, given_path
from fmbench.cli.warnings import warn
from fmbench.errors import FmbenchError
from fmbench.exit_code import ExitCode

DESCRIPTION = "Redraw the tables and figures of a run, or of a grid of runs, from its rows."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _draw)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.figures", DESCRIPTION)
    parser.add_argument(
        "run_dir",
        type=given_path,
        help="folder of a run, with cells.csv and episodes.csv or episodes.csv.bz2; or that of "
        "python -m fmbench.paper",
    )
    parser.add_argument(
        "--format", nargs="+", default=["png"], metavar="FORMAT", help="png (default), svg, pdf"
    )
    parser.add_argument(
        "--compress",
        action="store_true",
        help="first compress the files of rows, ready to be committed; a folder in an earlier "
        "format is converted",
    )
    add_numbers(parser, MARGIN)
    return parser


def _draw(options: argparse.Namespace) -> int:
    share = margin(options)
    # Imported late to keep `--help` fast: matplotlib, pandas and scipy take a second.
    from fmbench.storage.grid_folder import is_grid

    if is_grid(options.run_dir):
        return _draw_grid(options, share)
    with lasting_imports():
        from fmbench.report.blocks.draw import redraw_blocks
        from fmbench.report.draw import draw_all
        from fmbench.storage.episode_files import compress_run, unpack_earlier
        from fmbench.storage.unfinished import check_finished

    if options.compress:
        unpack_earlier(options.run_dir)
        check_finished(options.run_dir)
        for path in compress_run(options.run_dir):
            print(path)
    drawn = draw_all(options.run_dir, options.format, warn, share)
    for path in drawn + redraw_blocks(options.run_dir, share, warn):
        print(path)
    return ExitCode.DONE


def _draw_grid(options: argparse.Namespace, share: float) -> int:
    with lasting_imports():
        from fmbench.report.copies import cores
        from fmbench.report.draw import check_formats
        from fmbench.report.grid.draw import draw_grid

    if options.compress:
        raise FmbenchError(f"--compress is for a run; the rows of {options.run_dir} are compressed")
    check_formats(options.format)
    for path in draw_grid(options.run_dir, options.format, warn, share, processes=cores()):
        print(path)
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
