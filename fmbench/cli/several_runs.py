"""Command line of the commands that combine several runs in one table."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from fmbench.cli.command import run_command
from fmbench.cli.flags import add_out
from fmbench.cli.folders import check_out
from fmbench.cli.parser import Parser
from fmbench.exit_code import ExitCode


def run_on_runs(
    arguments: Sequence[str] | None,
    program: str,
    description: str,
    draw: Callable[[Sequence[Path], Path], list[Path]],
) -> int:
    """Run a command line `RUN ... --out DIR` and return its exit code.

    Args:
        arguments: The command line; None for that of the process.
        program: Name of the command.
        description: Its description in the help.
        draw: Writes table and figures of runs into a folder and returns the paths.
    """

    def make_parser() -> Parser:
        parser = Parser(program, description)
        parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
        add_out(parser, "folder to write to", required=True)
        return parser

    def work(options: argparse.Namespace) -> int:
        check_out(options.out)
        for path in draw(options.runs, options.out):
            print(path)
        return ExitCode.DONE

    return run_command(arguments, make_parser, work)
