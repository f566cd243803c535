"""`python -m fmbench`: list the commands, or pass a command line on to one of them."""

import importlib
import sys
from collections.abc import Sequence

from fmbench.cli.exit_codes import run_command_line
from fmbench.errors import unknown

COMMANDS = ("run", "evaluate", "figures", "demonstrations", "experts", "matrix", "data_curve")
"""Modules of this package, in the order in which they are needed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        return run_command_line(_show)
    if words[0] in COMMANDS:
        return int(importlib.import_module(f"fmbench.{words[0]}").main(words[1:]))
    return run_command_line(lambda: _refuse(words[0]))


def _show() -> int:
    """Print every command with its own description."""
    print("usage: python -m fmbench.COMMAND [--help]\n")
    for name in COMMANDS:
        print(f"  {name:<16}{importlib.import_module(f'fmbench.{name}').DESCRIPTION}")
    print("\nREADME.md begins with a first run and says how to read its table.")
    return 0


def _refuse(name: str) -> int:
    raise unknown("command", name, COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
