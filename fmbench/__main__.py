"""The command `python -m fmbench`: list the commands, or run one of them."""

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from fmbench.cli.exit_codes import run_command_line
from fmbench.errors import unknown
from fmbench.exit_code import ExitCode

COMMANDS = (
    "power",
    "run",
    "evaluate",
    "figures",
    "report",
    "replay",
    "view",
    "demonstrations",
    "export",
    "experts",
    "matrix",
    "data_curve",
    "observations",
    "detector",
    "tune",
    "rl",
    "paper",
)
"""Modules and folders of this package, in the order of a user's workflow."""
FOLDERS = ("report", "rl")
"""Those that are folders, whose command is in `__main__`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        return run_command_line(_list_commands)
    if words[0] in COMMANDS:
        return int(load(words[0]).main(words[1:]))
    return run_command_line(lambda: _reject(words[0]))


def module_of(name: str) -> str:
    """Return the full name of the module of a command."""
    return f"fmbench.{name}.__main__" if name in FOLDERS else f"fmbench.{name}"


def load(name: str) -> ModuleType:
    """Import the module of a command."""
    return importlib.import_module(module_of(name))


def _list_commands() -> int:
    """Print every command with its description."""
    print("usage: python -m fmbench.COMMAND [--help]\n")
    for name in COMMANDS:
        print(f"  {name:<16}{load(name).DESCRIPTION}")
    print("\nREADME.md shows a first run and explains how to read its table.")
    return ExitCode.DONE


def _reject(name: str) -> int:
    raise unknown("command", name, COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
