"""The tokens of a definition's canonical text: literal text, and names to be replaced."""

from typing import NamedTuple

from envs.hashing.bindings import Place


class Attribute(NamedTuple):
    """A name after a dot, of unknown owner; replaced by a number if it is first-party.

    Attributes:
        name: The name.
        defines: Whether it is defined here, by a class or on `self`, rather than mentioned.
        stays: Whether external code reads the name, as an enumeration reads its members' names.
    """

    name: str
    defines: bool = False
    stays: bool = False


class Reference(NamedTuple):
    """A first-party definition, replaced by its number.

    Attributes:
        place: The definition.
        is_base: Whether a class only inherits from it.
    """

    place: Place
    is_base: bool = False


class Parameter(NamedTuple):
    """A parameter's name, kept only if a call passes it by name to an unknown callee."""

    name: str


class Title(NamedTuple):
    """A definition's own name, kept only if the code reads it (`__name__`)."""

    name: str


class Keyword(NamedTuple):
    """An argument passed by name, replaced by its parameter's position.

    Attributes:
        name: The name, or "**" for a dictionary of arguments.
        callee: The function or class called, the method's name, or None if it is not known.
    """

    name: str
    callee: Place | str | None


class Reflection(NamedTuple):
    """The code looks up attributes by strings created at run time: all names are kept."""


Name = Attribute | Reference | Parameter | Title | Keyword | Reflection
Token = str | Name
