"""Look up names in the catalogue, and import the objects that they refer to."""

import difflib
import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ValueError:
    """Build the error for a name that is not in a table.

    Args:
        kind: The kind of object, in the singular (`"backbone"`).
        name: The name that was given.
        known: The accepted names.

    Returns:
        A `ValueError` that lists the given name, near matches and all accepted names, worded as in
        `fmbench.errors.unknown`.
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return ValueError(f"unknown {kind} {name!r}; {hint}known: {', '.join(names) or 'none'}")


def lookup(kind: str, name: str, table: Mapping[str, T]) -> T:
    """Return `table[name]`.

    Args:
        kind: The kind of object in the table, in the singular, for the error message.
        name: The name to look up.
        table: Name to entry.

    Raises:
        ValueError: The name is not in the table; the message lists near matches and all names.
    """
    if name not in table:
        raise unknown_name(kind, name, table)
    return table[name]


@cache
def load(target: str, extra: str = "") -> Any:
    """Import the object that an entry of the catalogue refers to.

    Args:
        target: "module:name".
        extra: The optional dependency group it needs, or "".

    Raises:
        ValueError: A module of the dependency group is missing.
    """
    module, _, name = target.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if not extra:
            raise
        raise ValueError(
            f"{target} needs {error.name}: python -m pip install -e '.[{extra}]'"
        ) from None
