"""The command `python -m fmbench.report RUN ...`: write one page that shows runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fmbench.cli.command import run_command
from fmbench.cli.folders import check_out
from fmbench.cli.imports import lasting_imports
from fmbench.cli.numbers import MARGIN, add_numbers, margin
from fmbench.cli.parser import Parser, given_path
from fmbench.cli.task_names import tiers
from fmbench.cli.warnings import warn
from fmbench.errors import FmbenchError
from fmbench.exit_code import ExitCode
from fmbench.report.page.libraries import check_libraries

if TYPE_CHECKING:
    from fmbench.cli.progress import Reporter
    from fmbench.report.page.media import Media
    from fmbench.report.page.runs import NamedRun

DESCRIPTION = "Write a page that shows runs, one HTML file to open from a disk or to send."
PAGE = "report.html"
"""Name of the page, where none is given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _write)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.report", DESCRIPTION)
    parser.add_argument(
        "runs",
        type=given_path,
        nargs="+",
        metavar="RUN",
        help="folders of runs, and of python -m fmbench.paper with all their runs",
    )
    parser.add_argument(
        "--out",
        type=given_path,
        metavar="FILE",
        help=f"the page (default: {PAGE} in the folder of a single RUN, else in the current one)",
    )
    parser.add_argument(
        "--no-media",
        action="store_true",
        help="leave out pictures, films and the episode player, which take seconds for each task",
    )
    add_numbers(parser, MARGIN)
    return parser


def _write(options: argparse.Namespace) -> int:
    share = margin(options)
    out = _page_of(options)
    check_libraries()
    # Imported late to keep `--help` fast: pandas and scipy take a second.
    with lasting_imports():
        from fmbench.cli.progress import Reporter
        from fmbench.report.page.runs import find_runs, read_runs
        from fmbench.report.page.write import write_page

    reporter, total = Reporter(), len(find_runs(options.runs))
    unread: dict[str, str] = {}
    with reporter.stage("Reading runs", total) as stage:
        runs = read_runs(options.runs, share, stage.update, unread.__setitem__)
    damaged = [line for run in runs for line in run.results.left_out]
    for line in (*unread.values(), *damaged):
        warn(f"left out: {line}")
    media = None if options.no_media else _media_of(runs, out, reporter)
    write_page(runs, out, tiers(), media, unread)
    print(f"{out} ({out.stat().st_size / 1e6:.1f} MB)")
    if media and media.pictures:
        print(f"pictures and films: {_media_folder(out)}{os.sep}, to be kept beside the page")
    return ExitCode.DONE


def _media_of(runs: Sequence[NamedRun], out: Path, reporter: Reporter) -> Media:
    """Make what a page shows besides rows; where tasks cannot be built it says why."""
    from fmbench.cli.mujoco_import import import_mujoco
    from fmbench.report.page.media import Media

    try:
        import_mujoco()
    except (FmbenchError, ImportError) as error:
        return Media(reason=str(error))
    from fmbench.evaluation.page_media import make_media

    tasks = {task for run in runs for task in run.results.outcomes.tasks}
    with reporter.stage("Pictures, films and episodes of tasks", len(tasks)) as stage:
        return make_media(runs, _media_folder(out), lambda done, total, what: stage.update(done))


def _media_folder(page: Path) -> Path:
    return page.with_name(f"{page.stem}_files")


def _page_of(options: argparse.Namespace) -> Path:
    """Return the file of the page, which can be written.

    Raises:
        FmbenchError: It is a folder, or has another suffix, or its folder cannot be written.
    """
    if options.out is None:
        folder = options.runs[0] if len(options.runs) == 1 else Path()
        if folder.is_dir():  # what is none is refused as a run
            check_out(folder.resolve())
        return Path(folder, PAGE)
    out: Path = options.out
    if out.is_dir() or out.suffix not in (".html", ".htm"):
        kind = "a folder" if out.is_dir() else "no name of a page"
        near = out / PAGE if out.is_dir() else out.with_suffix(".html")
        raise FmbenchError(f"--out is {out}, {kind}; give a file, e.g. {near}")
    check_out(out.parent)
    return out


if __name__ == "__main__":
    sys.exit(main())
