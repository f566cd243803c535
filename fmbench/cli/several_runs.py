"""Share what commands need that lay several runs in one table: words, and who may stand in it."""

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
        arguments: The command line, or None for the process's own.
        program: The command's name.
        description: What it draws.
        draw: Writes into a folder what it draws of runs, and returns the paths.
    """
    parser = Parser(program, description)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    add_out(parser, "where to write", required=True)
    add_debug(parser)
    given = parser.parse_args(arguments)

    def work() -> int:
        check_out(given.out)
        for path in draw(given.runs, given.out):
            print(path)
        return 0

    return run_command_line(work, given.debug)
