"""Parse command lines whose every mistake is answered by one line and exit code 2."""

import argparse
import difflib
import re
import sys
from typing import NoReturn


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
            flags = sorted(
                flag
                for action in self._actions
                for flag in action.option_strings
                if flag.startswith("--")
            )
            near = difflib.get_close_matches(given.partition("=")[0], flags, n=2)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            kind = "flag" if given.startswith("-") else "argument"
            message = f"unknown {kind} {given!r}; {hint}known: {' '.join(flags)}"
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(2)
