"""Parse command lines whose every mistake is answered by one line and exit code 2.

The parser is argparse, fed from the fields of `RunConfig` (`fmbench.cli.flags`): importing tyro,
which reads dataclasses by itself, takes 0.4 to 0.6 s, and a whole help may take 0.5 s.
"""

import argparse
import re
import sys
from typing import NoReturn

from fmbench.errors import unknown


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=96)


class Parser(argparse.ArgumentParser):
    """An argument parser without abbreviations that names near matches of unknown flags."""

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
        """Print one line and exit with 2."""
        unrecognised = re.match(r"unrecognized arguments: (.*)", message)
        if unrecognised:
            given = unrecognised.group(1).split()[0]
            flags = [
                flag
                for action in self._actions
                for flag in action.option_strings
                if flag.startswith("--")
            ]
            message = str(unknown("flag" if given.startswith("-") else "argument", given, flags))
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(2)
