"""The rule for the names of tasks: they become parts of file names and of Gymnasium ids."""

import difflib
import re
from collections.abc import Collection, Iterable

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


def unknown(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """Build the error for an unknown name, to be raised by the caller.

    `fmbench.errors`, which this must not import, has the same format.

    Args:
        kind: What is named, e.g. `"task"`.
        name: The name that was given.
        known: The accepted names.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return ValueError(f"unknown {kind} {name!r}; {hint}known: {', '.join(names)}")


def on_hand(task: str, hand: str) -> str:
    """Return the name of a task on a described hand: `ReachPose`, `leap` give `ReachPoseLeap`."""
    return f"{task}{hand[0].upper()}{hand[1:]}"
