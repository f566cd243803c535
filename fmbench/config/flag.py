"""How one value of a run is given on the command line, and what it may be."""

from collections.abc import Collection
from dataclasses import dataclass

WHAT, HOW, WHERE = "what to compare", "how to train, alike for every policy", "where"
"""Groups of the help, in order."""


@dataclass(frozen=True)
class Flag:
    """How a value is given on the command line, and what it may be: the metadata of its field.

    Attributes:
        help: What the help says of it; "{choices}" and "{default}" stand for these.
        metavar: What stands for a value in the help.
        group: Where the help shows it.
        name: The flag; "" is made of the field's name.
        choices: The names it may be; what a plug-in adds is there once registered.
        least: The least number it may be.
        most: The largest number it may be.
        above: Whether it must be more than `least`.
    """

    help: str
    metavar: str
    group: str
    name: str = ""
    choices: Collection[str] = ()
    least: int = 1
    most: int | None = None
    above: bool = False


@dataclass(frozen=True)
class Setting:
    """One field of `RunConfig`, as checks and command lines need it.

    Attributes:
        flag: Its metadata.
        name: The flag that gives it.
        kind: Type of its value, or of each of several.
        is_several: Whether it holds several.
        is_optional: Whether it may be None.
    """

    flag: Flag
    name: str
    kind: type[int] | type[float] | type[str]
    is_several: bool
    is_optional: bool
