"""The command `python -m fmbench.power`: plan how many training seeds and episodes to run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fmbench.cli.command import run_command
from fmbench.cli.numbers import MARGIN, Number, add_numbers, margin, numbers
from fmbench.cli.parser import Parser
from fmbench.cli.whole_numbers import Whole, add_whole_numbers, whole_numbers
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
SPREAD = {
    "spread": Number(0.1, 0, 0.99, "deviation between seeds; 1 if each learns or fails altogether")
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _plan)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.power", DESCRIPTION, EPILOG)
    add_whole_numbers(parser, WHOLE)
    add_numbers(parser, {**SPREAD, **MARGIN})
    return parser


def _plan(options: argparse.Namespace) -> int:
    design = whole_numbers(options, WHOLE)
    spread, share = numbers(options, SPREAD)["spread"], margin(options)
    # Imported late to keep `--help` fast: scipy takes half a second.
    from fmbench.report.plan import plan_lines
    from fmbench.report.power import Design

    for line in plan_lines(Design(**design, spread=spread), share):
        print(line)
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
