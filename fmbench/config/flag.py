"""How one value of a run is given on the command line, and what it may be."""

from collections.abc import Collection
from typing import NamedTuple

WHAT, HOW, WHERE = "what to compare", "how to train, alike for every policy", "where"
"""Groups of the help, in order."""


class Flag(NamedTuple):
    """How a value is given, and what it may be: the metadata of a field of `RunConfig`.

    A named tuple, because the help waits for it: making a dataclass takes three times as long.

    Attributes:
        help: What the help says of it; "{choices}" and "{default}" stand for these.
        metavar: What stands for a value in the help.
        group: Where the help shows it.
        name: The flag; "" in metadata is made of the field's name.
        choices: The names it may be; what a plug-in adds is there once registered.
        least: The least number it may be.
        most: The largest number it may be.
        above: Whether it must be more than `least`.
        kind: Type of the value, or of each of several; like what follows, read from the field.
        is_several: Whether the field holds several.
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
    kind: type[int] | type[float] | type[str] = str
    is_several: bool = False
    is_optional: bool = False
