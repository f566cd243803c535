"""Numbers of things in words."""

from __future__ import annotations

from collections.abc import Iterable


def counted(numbers: int | Iterable[int], noun: str) -> str:
    """Return e.g. `1 seed`, `0 seeds`, or for several numbers `1 or 3 seeds`, in order.

    Args:
        numbers: One, or some; equal ones are told once.
        noun: The thing, in the singular, whose plural ends in s.
    """
    found = sorted({numbers} if isinstance(numbers, int) else set(numbers))
    return f"{' or '.join(map(str, found))} {noun}{'' if found == [1] else 's'}"


def spanned(first: int, last: int, noun: str = "") -> str:
    """Return e.g. `seed 0`, or `seeds 0 to 4`; without a noun the numbers alone."""
    if first == last:
        return f"{noun} {first}".lstrip()
    return f"{noun and noun + 's'} {first} to {last}".lstrip()
