"""Metadata of one field of a run's configuration: its flag, help and accepted values."""

import dataclasses
import math
import types
from collections.abc import Collection
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

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


def flags_of(config: type[Any]) -> dict[str, Flag]:
    """Return field name to flag of a dataclass whose fields have one as metadata, in order."""
    hints = get_type_hints(config)
    flags = {}
    for field in dataclasses.fields(config):
        flag: Flag = field.metadata["flag"]
        parts = get_args(hints[field.name]) or (hints[field.name],)
        is_optional = types.NoneType in parts
        kind = parts[0] if is_optional else hints[field.name]
        is_several = get_origin(kind) is tuple
        flags[field.name] = flag._replace(
            name=flag.name or f"--{field.name.replace('_', '-')}",
            kind=get_args(kind)[0] if is_several else kind,
            is_several=is_several,
            is_optional=is_optional,
        )
    return flags
