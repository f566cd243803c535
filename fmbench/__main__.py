"""The command `python -m fmbench`: list the commands, or run one of them."""

import importlib
import sys
from collections.abc import Sequence

from fmbench.cli.exit_codes import run_command_line
from fmbench.errors import unknown
from fmbench.exit_code import ExitCode

COMMANDS = (
    "power",
    "run",
    "evaluate",
    "figures",
    "replay",
    "demonstrations",
    "export",
    "experts",
    "matrix",
    "data_curve",
    "observations",
    "detector",
    "tune",
    "paper",
)
"""Modules of this package, in the order of a user's workflow."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        return run_command_line(_list_commands)
    if words[0] in COMMANDS:
        return int(importlib.import_module(f"fmbench.{words[0]}").main(words[1:]))
    return run_command_line(lambda: _reject(words[0]))


def _list_commands() -> int:
    """Print every command with its description."""
    print("usage: python -m fmbench.COMMAND [--help]\n")
    for name in COMMANDS:
        print(f"  {name:<16}{importlib.import_module(f'fmbench.{name}').DESCRIPTION}")
    print("\nREADME.md shows a first run and explains how to read its table.")
    return ExitCode.DONE


def _reject(name: str) -> int:
    raise unknown("command", name, COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
