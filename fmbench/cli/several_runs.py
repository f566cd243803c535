"""Command line of the commands that combine several runs in one table."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from fmbench.cli.command import run_command
from fmbench.cli.flags import add_out
from fmbench.cli.folders import check_out
from fmbench.cli.numbers import MARGIN, add_numbers, margin
from fmbench.cli.parser import Parser, given_path
from fmbench.exit_code import ExitCode


def run_on_runs(
    arguments: Sequence[str] | None,
    program: str,
    description: str,
    draw: Callable[..., list[Path]],
    has_verdicts: bool = True,
) -> int:
    """Run a command line `RUN ... --out DIR [--margin X]` and return its exit code.

    Args:
        arguments: The command line; None for that of the process.
        program: Name of the command.
        description: Its description in the help.
        draw: Writes table and figures of runs, its first argument, into a folder, its second, and
            returns the paths. Its third is the margin, if it has such verdicts.
        has_verdicts: Whether it has verdicts that depend on a margin.
    """

    def make_parser() -> Parser:
        parser = Parser(program, description)
        parser.add_argument(
            "runs", type=given_path, nargs="+", metavar="RUN", help="folders of runs"
        )
        add_out(parser, "folder to write to", required=True)
        if has_verdicts:
            add_numbers(parser, MARGIN)
        return parser

    def work(options: argparse.Namespace) -> int:
        shares = [margin(options)] if has_verdicts else []
        check_out(options.out)
        for path in draw(options.runs, options.out, *shares):
            print(path)
        return ExitCode.DONE

    return run_command(arguments, make_parser, work)
