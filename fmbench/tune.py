"""The command `python -m fmbench.tune`: search the recipe of a backbone.

Nothing heavy is imported before the command line has been checked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fmbench.cli.command import run_command
from fmbench.cli.flags import (
    add_accept_changes,
    add_config_flag,
    add_data,
    add_out,
    given_config,
)
from fmbench.cli.folders import check_data, check_out, default_run_folder
from fmbench.cli.parser import Parser
from fmbench.cli.resumable import run_resumable
from fmbench.cli.whole_numbers import Whole, add_whole_numbers, whole_numbers

if TYPE_CHECKING:
    from fmbench.cli.session import Session

DESCRIPTION = (
    "Search the recipe of a backbone: learning rate, warm-up, decays, depth, conditioning."
)
EPILOG = """\
Needs the extra tune (optuna). Every trial trains each policy on each task by one recipe, with the
same number of updates, and is scored by its mean success on validation episodes, never on test
episodes. Trial 0 is the present recipe, moved into the ranges of the search. At the end the
command of a run by the best one is printed.

example:
  python -m fmbench.tune --backbone dit --task PressEither PickEither TurnDial \\
    --policy flow bc --trials 40 --device cuda

Ctrl-C stops, and loses the trial that is going on; the same command resumes.
"""
WHAT = ("backbone", "task", "policy", "preset", "seeds", "nfe")
HOW = ("size", "demos", "noise", "updates", "batch_size", "precision", "device")
WHOLE = {
    "trials": Whole(40, 1, 10_000, "trials; more of them continue a finished search"),
    "seed": Whole(0, 0, 2**31 - 1, "seed of the suggestions"),
    "parallel": Whole(
        1, 1, 64, "trials that are suggested at once, and on a GPU trained side by side"
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.tune", DESCRIPTION, EPILOG)
    search, trial = parser.add_argument_group("search"), parser.add_argument_group("each trial")
    for name in WHAT:
        add_config_flag(search, name)
    add_whole_numbers(search, WHOLE)
    text = "validation episodes per trained policy (default: {default})"
    add_config_flag(trial, "episodes", text=text)
    for name in HOW:
        add_config_flag(trial, name)
    add_out(parser, "folder of the search (default: in runs/)")
    add_data(parser)
    add_accept_changes(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    numbers = whole_numbers(options, WHOLE)
    config = given_config(options)
    out = options.out or _default_folder(default_run_folder(config), numbers)
    check_out(out)
    check_data(options.data)

    def work(session: Session) -> None:
        from fmbench.runs.tuning.search import SearchOptions, run_search

        changes = options.accept_changes
        settings = SearchOptions(**numbers, command=options.command, accept_changes=changes)
        run_search(config, settings, out, options.data, session)

    return run_resumable("fmbench.runs.tuning.search", work, f"saved in {out}")


def _default_folder(run: Path, numbers: dict[str, int]) -> Path:
    """Return the default folder of a search, a function of what decides its trials."""
    return run.with_name(f"tune-{run.name}-seed{numbers['seed']}-by{numbers['parallel']}")


if __name__ == "__main__":
    sys.exit(main())
