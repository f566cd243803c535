"""The parts of a definition's canonical text: words that stand, and names still to be replaced."""

from typing import NamedTuple

from envs.hashing.bindings import Place


class Attribute(NamedTuple):
    """A name after a dot, whose owner is not known: replaced by a number if it is one of ours.

    Attributes:
        name: The name.
        defines: Whether it is defined here, by a class or on `self`; or else it is mentioned.
        stays: Whether code outside reads the name, as an enumeration does its members'.
    """

    name: str
    defines: bool = False
    stays: bool = False


class Reference(NamedTuple):
    """A definition of ours, replaced by its number.

    Attributes:
        place: The definition.
        is_base: Whether a class only inherits from it.
    """

    place: Place
    is_base: bool = False


class Parameter(NamedTuple):
    """A parameter's name, which stands only where a call gives it in a way that is not followed."""

    name: str


class Title(NamedTuple):
    """A definition's own name, which stands only where the code reads it (`__name__`)."""

    name: str


class Keyword(NamedTuple):
    """An argument given by name, replaced by its parameter's position.

    Attributes:
        name: The name, or "**" for a dictionary of arguments.
        callee: The function or class called, the method's name, or None if it is not known.
    """

    name: str
    callee: Place | str | None


class Reflection(NamedTuple):
    """The code looks attributes up by strings that it makes: all their names stand."""


Name = Attribute | Reference | Parameter | Title | Keyword | Reflection
Token = str | Name
