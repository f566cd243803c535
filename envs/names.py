"""The rule for the names of tasks: they become parts of file names and of Gymnasium ids."""

import re
from collections.abc import Collection

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def check_new_name(kind: str, name: object, known: Collection[str] = ()) -> None:
    """Check a name that a user registers.

    `policies.registry`, which must not import this, has the same rule.

    Args:
        kind: The kind of object, in the singular (`"task"`).
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
        raise ValueError(f"a {kind} named {name!r} is registered already; choose another name")
