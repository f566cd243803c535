"""Names of the catalogue: their rule, their lookup, and the import of what they refer to."""

import difflib
import importlib
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


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


def check_new_name(kind: str, name: object, known: Collection[str] = ()) -> None:
    """Check a name that a user registers.

    `envs.names`, which must not import this, has the same rule.

    Args:
        kind: The kind of object, in the singular (`"policy"`).
        name: The name.
        known: The names that are taken.

    Raises:
        ValueError: The name is not accepted; the message states the rule and suggests another.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        fitting = re.sub(r"[^A-Za-z0-9_-]+", "_", str(name)[:80]).strip("_-")[:64]
        raise ValueError(
            f"the name of the {kind} is {repr(name)[:80]}; give at most 64 letters, digits, '_' "
            f"and '-', the first a letter or digit, e.g. {fitting or f'my_{kind}'!r}"
        )
    if name in known:
        article = "an" if kind[0] in "aeiou" else "a"
        raise ValueError(
            f"{article} {kind} named {name!r} is registered already; choose another name"
        )


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
        ValueError: A module of the dependency group is missing or cannot be imported.
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
    except (ImportError, RuntimeError) as error:  # a shared library is missing or of another build
        if not extra:
            raise
        raise ValueError(
            f"{target} cannot be imported: {' '.join(str(error).split())[:200]}; "
            f"try python -m pip install -e '.[{extra}]' in an environment of its own"
        ) from error
