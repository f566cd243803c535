"""The command `python -m fmbench.experts`: success of the scripted experts."""

import argparse
import sys
from collections.abc import Sequence

from fmbench.cli.command import run_command
from fmbench.cli.flags import add_config_flag, add_out, given_config
from fmbench.cli.folders import check_out
from fmbench.cli.imports import lasting_imports
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.parser import Parser
from fmbench.config import ALL_TASKS
from fmbench.errors import FmbenchError
from fmbench.exit_code import ExitCode

DESCRIPTION = "Evaluate the scripted experts, with and without command noise, on held-out episodes."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.experts", DESCRIPTION)
    add_config_flag(parser, "task", text="{choices} or all (default: all)", default=[ALL_TASKS])
    add_config_flag(
        parser, "episodes", text="episodes per task and noise (default: 500)", default=500
    )
    add_out(parser, "also write experts.csv to this folder")
    parser.add_argument(
        "--film",
        action="store_true",
        help="also draw an episode per task, tasks/NAME.png in --out, and what its cameras see, "
        "cameras.png",
    )
    return parser


def _run(options: argparse.Namespace) -> int:
    config = given_config(options)
    if options.out is not None:
        check_out(options.out)
    elif options.film:
        raise FmbenchError("--out is missing; --film needs a folder to draw in")
    with lasting_imports():
        import_mujoco()
        from fmbench.cli.progress import Reporter
        from fmbench.runs.experts import film_experts, measure_experts

    measure_experts(config.task, config.episodes, options.out, Reporter())
    if options.film:
        film_experts(config.task, options.out / "tasks", Reporter())
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
