"""Flags for whole numbers that belong to one command."""

import argparse
from collections.abc import Mapping
from typing import NamedTuple

from fmbench.cli.flags import Place
from fmbench.errors import FmbenchError


class Whole(NamedTuple):
    """A flag for a whole number: its default, the smallest and the largest number, its help."""

    default: int
    least: int
    most: int
    help: str


def add_whole_numbers(place: Place, flags: Mapping[str, Whole]) -> None:
    """Add flags, given by name; an absent one is None until `whole_numbers` reads it."""
    for name, flag in flags.items():
        text = f"{flag.help} (default: {flag.default})"
        place.add_argument(f"--{name}", type=int, metavar="N", help=text)


def whole_numbers(options: argparse.Namespace, flags: Mapping[str, Whole]) -> dict[str, int]:
    """Return the values of flags, by name.

    Raises:
        FmbenchError: One is out of range.
    """
    values = {}
    for name, flag in flags.items():
        given = getattr(options, name)
        values[name] = flag.default if given is None else given
        if not flag.least <= values[name] <= flag.most:
            raise FmbenchError(
                f"--{name} is {given}; give a whole number from {flag.least} to {flag.most}"
            )
    return values
