"""Flags for numbers with a fraction."""

import argparse
from collections.abc import Mapping
from typing import NamedTuple

from fmbench.cli.flags import Place
from fmbench.errors import FmbenchError


class Number(NamedTuple):
    """A flag for a number: its default, the smallest and the largest number, its help."""

    default: float
    least: float
    most: float
    help: str


MARGIN = {
    "margin": Number(5.0, 0.1, 50.0, "difference of success rates that does not matter, in points")
}
"""The margin of verdicts; `fmbench.report.verdicts.MARGIN` is its default as a share."""


def add_numbers(place: Place, flags: Mapping[str, Number]) -> None:
    """Add flags, given by name."""
    for name, flag in flags.items():
        text = f"{flag.help} (default: {flag.default:g})"
        place.add_argument(f"--{name}", type=float, default=flag.default, metavar="X", help=text)


def numbers(options: argparse.Namespace, flags: Mapping[str, Number]) -> dict[str, float]:
    """Return the values of flags, by name.

    Raises:
        FmbenchError: One is out of range.
    """
    values = {name: float(getattr(options, name)) for name in flags}
    for name, flag in flags.items():
        if not flag.least <= values[name] <= flag.most:  # NaN is not, either
            raise FmbenchError(
                f"--{name} is {values[name]:g}; give a number from {flag.least:g} to {flag.most:g}"
            )
    return values


def margin(options: argparse.Namespace) -> float:
    """Return the margin as a share of episodes.

    Raises:
        FmbenchError: It is out of range.
    """
    return numbers(options, MARGIN)["margin"] / 100
