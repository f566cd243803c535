"""Command line parser that reports every mistake in one line, with exit code 2.

The parser is argparse, its flags derived from `RunConfig` (`fmbench.cli.flags`): importing tyro,
which reads dataclasses itself, takes 0.4 to 0.6 s, and a complete `--help` may take 0.5 s.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import NoReturn

from fmbench.errors import unknown
from fmbench.exit_code import ExitCode

_REWORDED = (
    (r"argument (\S+): invalid int value: (.*)", r"\1 is \2; give a whole number"),
    (r"argument (\S+): invalid float value: (.*)", r"\1 is \2; give a number"),
    (r"argument (\S+): expected one argument", r"\1 is empty; give a value"),
    (r"argument (\S+): expected at least one argument", r"\1 is empty; give one or more values"),
    (r"argument (\S+): is empty; (.*)", r"\1 is empty; \2"),
    (r"argument (\S+): ignored explicit argument '(.*)'", r"\1 takes no value, but was given '\2'"),
    (r"the following arguments are required: (.*)", r"\1 must be given; see --help"),
)
"""Messages of argparse, and the same in the style of `FmbenchError`."""


def given_path(text: str) -> Path:
    """Return the path of a command line; an empty one, as of an unset variable, would be `.`.

    Raises:
        argparse.ArgumentTypeError: It is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("is empty; give a path")
    return Path(text)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=96)


class Parser(argparse.ArgumentParser):
    """An argument parser without abbreviations that lists near matches of unknown flags."""

    def __init__(self, prog: str, description: str, epilog: str = "", usage: str = "") -> None:
        super().__init__(
            prog=prog,
            usage=usage or None,
            description=description,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=_Formatter,
        )

    def error(self, message: str) -> NoReturn:
        """Print one line and exit with code 2."""
        unknown_words = re.match(r"unrecognized arguments: (.*)", message)
        if unknown_words:
            word = unknown_words.group(1).split()[0]
            flags = [
                flag
                for action in self._actions
                for flag in action.option_strings
                if flag.startswith("--")
            ]
            message = str(unknown("flag" if word.startswith("-") else "argument", word, flags))
        for theirs, ours in _REWORDED:
            message = re.sub(theirs, ours, message)
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(ExitCode.BAD_INPUT)
