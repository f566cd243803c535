"""Warnings of a command that did what it was asked for."""

import sys


def warn(line: str) -> None:
    """Print a warning on stderr."""
    print(f"warning: {line}", file=sys.stderr)
