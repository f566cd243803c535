"""Look a name up in a table, with an error that says which names are known.

Backbones, objectives and samplers are kept in plain dictionaries from name to builder. Adding one
is adding an entry; every error message, configuration check and command line then knows it.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ValueError:
    """Build the error for a name that a table does not hold.

    Args:
        kind: What the name should have named, in the singular (``"backbone"``).
        name: What was given.
        known: The accepted names.

    Returns:
        A `ValueError` naming what was given, near matches, and everything that is accepted.
    """
    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=2, cutoff=0.5)
    hint = f" Did you mean {' or '.join(repr(match) for match in near)}?" if near else ""
    return ValueError(f"Unknown {kind} {name!r}.{hint} Known: {', '.join(map(repr, names))}.")


def lookup(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Return ``table[name]``.

    Args:
        kind: What the table holds, in the singular, for the error message.
        name: The name to look up.
        table: Name to entry.

    Raises:
        ValueError: The table has no such name; the message lists near matches and all names.
    """
    if name not in table:
        raise unknown_name(kind, name, table)
    return table[name]
