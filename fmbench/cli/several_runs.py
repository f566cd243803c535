"""Command line of the commands that combine several runs in one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.flags import add_debug, add_out
from fmbench.cli.folders import check_out
from fmbench.cli.parser import Parser


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
    parser = Parser(program, description)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    add_out(parser, "folder to write to", required=True)
    add_debug(parser)
    options = parser.parse_args(arguments)

    def work() -> int:
        check_out(options.out)
        for path in draw(options.runs, options.out):
            print(path)
        return 0

    return run_command_line(work, options.debug)
