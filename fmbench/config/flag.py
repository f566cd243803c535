"""Metadata of one field of a run's configuration: its flag, help and accepted values."""

import math
from collections.abc import Collection
from typing import NamedTuple

WHAT, SEEN = "what to compare", "what a policy observes"
HOW, WHERE = "training, the same for every policy", "folders and device"
ACTING = "how policies act; undisturbed, without delay, chunks as they are, is always evaluated"
"""Groups of the help, in order."""
AFTER = "evaluation of a finished run"
"""Group of what no run is started with."""


class Flag(NamedTuple):
    """The flag, help and accepted values of one field of `RunConfig`.

    A named tuple to keep `--help` fast: creating a dataclass takes three times as long.

    Attributes:
        help: Help text; "{choices}" and "{default}" are replaced by their values.
        metavar: Placeholder of a value in the help.
        group: Group of the help.
        name: The flag; "" in metadata for the one derived from the field's name.
        choices: Accepted names, including those that plug-ins have registered.
        least: Smallest accepted number.
        most: Largest accepted number.
        above: Whether a number must be greater than `least`.
        below: Smallest number with a fraction that is too large.
        kind: Type of a value; like the rest, read from the field's annotation.
        is_several: Whether the field holds a tuple of values.
        is_optional: Whether it may be None.
    """

    help: str
    metavar: str
    group: str
    name: str = ""
    choices: Collection[str] = ()
    least: int = 1
    most: int | None = None
    above: bool = False
    below: float = math.inf
    kind: type[int] | type[float] | type[str] = str
    is_several: bool = False
    is_optional: bool = False
