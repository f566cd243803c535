"""Look a name up in a table, with an error that says which names are known; load what it names."""

import difflib
import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ValueError:
    """Build the error for a name that a table does not hold.

    Args:
        kind: What the name should have named, in the singular (``"backbone"``).
        name: What was given.
        known: The accepted names.

    Returns:
        A `ValueError` naming what was given, near matches, and everything that is accepted; in the
        words of `fmbench.errors.unknown`.
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return ValueError(f"unknown {kind} {name!r}; {hint}known: {', '.join(names) or 'none'}")


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


@cache
def load(target: str, extra: str = "") -> Any:
    """Return what an entry of the catalogue names.

    Args:
        target: "module:name".
        extra: The optional part of the installation that it needs, or "".

    Raises:
        ValueError: A module that the extra installs is missing.
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
