"""The command `python -m fmbench.run`: make demonstrations, train, evaluate, print the table.

Nothing heavy is imported before the command line has been checked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fmbench.cli.command import run_command
from fmbench.cli.disturbances import axes_help
from fmbench.cli.extras import check_extra
from fmbench.cli.flags import (
    add_accept_changes,
    add_config_flags,
    add_data,
    add_no_latency,
    add_out,
    given_config,
    preset_table,
    unchecked_values,
)
from fmbench.cli.folders import check_data, check_out, default_run_folder
from fmbench.cli.parser import Parser
from fmbench.cli.resumable import run_resumable
from fmbench.cli.whole_numbers import Whole, add_whole_numbers, whole_numbers
from fmbench.config import check_executions
from fmbench.config.flag import WHERE
from fmbench.errors import FmbenchError

if TYPE_CHECKING:
    from fmbench.cli.session import Session

RECORD = {
    "record": Whole(
        0, 0, 1000, "successes and failures of each policy to record, and episodes of each pair"
    )
}
DESCRIPTION = "Train chunk policies on scripted demonstrations and compare them under one harness."
EPILOG = """\
axes of --perturb, suggested levels, and what a level is:
{axes}

presets; an option above overrides a preset's value:
{presets}

examples:
  python -m fmbench.run --policy flow
  python -m fmbench.run --policy flow diffusion bc --task all
  python -m fmbench.run --policy flow bc --task PressEither --seeds 3 --nfe 1 2 4
  python -m fmbench.run --policy flow --preset smoke --out runs/try
  python -m fmbench.run --policy flow bc --task LiftCube --perturb mass=2 obs-noise=0.03
  python -m fmbench.run --policy reflow --from runs/try --preset smoke

Ctrl-C saves; the same command resumes. Tables and figures are redrawn from the rows by
python -m fmbench.figures RUN_DIR.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    parser = Parser(
        "python -m fmbench.run",
        DESCRIPTION,
        EPILOG.format(axes=axes_help(), presets=preset_table()),
        usage="python -m fmbench.run [--policy NAME ...] [--task NAME ...] [options]",
    )
    groups = add_config_flags(parser)
    add_out(groups[WHERE], "folder of the run (default: in runs/)")
    add_data(groups[WHERE])
    add_no_latency(groups[WHERE])
    groups[WHERE].add_argument(
        "--yes-slow",
        action="store_true",
        help="train an encoder on a CPU although that takes many hours",
    )
    add_whole_numbers(groups[WHERE], RECORD)
    groups[WHERE].add_argument(
        "--tensorboard",
        action="store_true",
        help="write curves for TensorBoard in tensorboard/ of the run's folder (extra track)",
    )
    groups[WHERE].add_argument(
        "--live",
        action="store_true",
        help="rewrite report.html in the run's folder as cells finish, for a browser",
    )
    add_accept_changes(groups[WHERE])
    return parser


def _run(options: argparse.Namespace) -> int:
    try:
        config = given_config(options)
    except FmbenchError:
        from fmbench.runs.run_plugins import explain_unknown

        explain_unknown(unchecked_values(options), options.out)
        raise
    check_executions(config)
    record = whole_numbers(options, RECORD)["record"]
    out = options.out or default_run_folder(config)
    check_out(out)
    check_data(options.data)
    if options.tensorboard:
        check_extra("--tensorboard", "tensorboard", "track")
    if options.live:
        check_extra("--live", "plotly", "report")

    def work(session: Session) -> None:
        from fmbench.runs.experiment import run_experiment
        from fmbench.runs.run_options import RunOptions

        run_experiment(
            config,
            out,
            options.data,
            session,
            RunOptions(
                options.command,
                times_decisions=not options.no_latency,
                accept_changes=options.accept_changes,
                nfe_is_given=options.nfe is not None,
                demos_is_given=options.demos is not None,
                yes_slow=options.yes_slow,
                record=record,
                tensorboard=options.tensorboard,
                live=options.live,
            ),
        )

    return run_resumable("fmbench.runs.experiment", work, f"saved in {out}")


if __name__ == "__main__":
    sys.exit(main())
