"""The command `python -m fmbench.power`: plan how many training seeds and episodes to run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fmbench.cli.command import run_command
from fmbench.cli.parser import Parser
from fmbench.cli.whole_numbers import Whole, add_whole_numbers, whole_numbers
from fmbench.errors import FmbenchError
from fmbench.exit_code import ExitCode

DESCRIPTION = "Plan training seeds and episodes: the smallest difference that a design finds."
EPILOG = """\
example:
  python -m fmbench.power --seeds 5 --episodes 100 --comparisons 36
"""
WHOLE = {
    "seeds": Whole(5, 1, 50, "training seeds of each policy; 1 compares two checkpoints"),
    "episodes": Whole(100, 2, 10_000, "test episodes of each seed"),
    "comparisons": Whole(1, 1, 10_000, "pairs of policies in the table, for Holm's adjustment"),
}
NUMBERS = {
    "spread": (0.1, 0.0, 0.99, "deviation between seeds; 1 if each learns or fails altogether"),
    "margin": (5.0, 0.1, 50.0, "difference that does not matter, in points"),
}
"""Default, smallest and largest number, help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _plan)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.power", DESCRIPTION, EPILOG)
    add_whole_numbers(parser, WHOLE)
    for name, (default, _, _, text) in NUMBERS.items():
        text = f"{text} (default: {default:g})"
        parser.add_argument(f"--{name}", type=float, default=default, metavar="X", help=text)
    return parser


def _plan(options: argparse.Namespace) -> int:
    numbers = whole_numbers(options, WHOLE)
    for name, (_, least, most, _) in NUMBERS.items():
        if not least <= getattr(options, name) <= most:  # NaN is not, either
            raise FmbenchError(
                f"--{name} is {getattr(options, name):g}; give a number from {least:g} to {most:g}"
            )
    # Imported late to keep `--help` fast: scipy takes half a second.
    from fmbench.report.plan import plan_lines
    from fmbench.report.power import Design

    for line in plan_lines(Design(**numbers, spread=options.spread), options.margin / 100):
        print(line)
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
