"""The command `python -m fmbench.demonstrations`: make or verify the demonstrations of tasks."""

import argparse
import sys
from collections.abc import Sequence

from fmbench.cli.command import run_command
from fmbench.cli.flags import add_config_flag, add_data, given_config
from fmbench.cli.folders import check_data
from fmbench.cli.parser import Parser
from fmbench.cli.resumable import open_session
from fmbench.exit_code import ExitCode

DESCRIPTION = "Roll out scripted experts, replay the successful episodes and store them."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return run_command(arguments, _parser, _run)


def _parser() -> Parser:
    parser = Parser("python -m fmbench.demonstrations", DESCRIPTION)
    add_config_flag(parser, "task")
    add_config_flag(
        parser, "demos", "--episodes", "successful episodes to keep (default: 200)", default=200
    )
    add_config_flag(parser, "noise", text="scale of the command noise (default: {default})")
    add_data(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    config = given_config(options, demos="--episodes")
    check_data(options.data)
    with open_session("fmbench.runs.demonstrating") as session:
        from fmbench.runs.demonstrating import demonstrate_all

        print(*demonstrate_all(config, options.data, session), sep="\n")
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
