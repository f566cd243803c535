"""The search space of recipes: which values a search tries, and nothing else decides that."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from policies.catalogue import BACKBONES

DIGITS = 3
"""Significant digits of a value with a fraction, so that a flag repeats it exactly."""


class Fraction(NamedTuple):
    """Numbers between two others, uniform in their logarithm.

    Attributes:
        least: The smallest one.
        most: The largest one.
        below_one: Whether they are what the value lacks to 1.
    """

    least: float
    most: float
    below_one: bool = False

    def clipped(self, value: float) -> float:
        """Return the nearest value of the range, rounded to `DIGITS`."""
        number = 1 - value if self.below_one else value
        number = float(f"{min(max(number, self.least), self.most):.{DIGITS}g}")
        return round(1 - number, 12) if self.below_one else number

    def __str__(self) -> str:
        start = "1 - x, x " if self.below_one else ""
        return f"{start}from {self.least:g} to {self.most:g}, uniform in the logarithm"


class WholeNumbers(NamedTuple):
    """Whole numbers between two others, uniform."""

    least: int
    most: int

    def clipped(self, value: int) -> int:
        """Return the nearest value of the range."""
        return min(max(value, self.least), self.most)

    def __str__(self) -> str:
        return f"from {self.least} to {self.most}"


class Names(NamedTuple):
    """Some names."""

    names: tuple[str, ...]

    def clipped(self, value: str) -> str:
        """Return the value, which is one of the names."""
        return value

    def __str__(self) -> str:
        return " or ".join(self.names)


Range: TypeAlias = Fraction | WholeNumbers | Names
Point: TypeAlias = dict[str, Any]
"""A value for each field of a configuration that is searched; the width follows from them."""


def search_space(backbone: str, updates: int) -> dict[str, Range]:
    """Return the values that a search tries, by field of a run's configuration.

    The depth is traded against the width: a network has about as many parameters as the MLP of the
    same size. Networks with the same depth at every size count blocks differently and stay shallow.
    """
    entry = BACKBONES[backbone]
    return {
        "learning_rate": Fraction(1e-5, 1e-2),
        "warmup_updates": WholeNumbers(0, updates // 5),
        "weight_decay": Fraction(1e-6, 1e-1),
        "ema_decay": Fraction(1e-4, 1e-1, below_one=True),
        "depth": WholeNumbers(1, 8 if entry.depth is None else 3),
        "conditioning": Names(entry.conditionings),
    }


def outside(point: Mapping[str, Any], space: Mapping[str, Range]) -> list[str]:
    """Return the names of the values of a point that a search of a space does not try."""
    return [
        name
        for name, range_ in space.items()
        if point[name] != range_.clipped(point[name])
        or (isinstance(range_, Names) and point[name] not in range_.names)
    ]


def clipped(point: Mapping[str, Any], space: Mapping[str, Range]) -> Point:
    """Return the nearest point of a space, with rounded values."""
    return {name: space[name].clipped(point[name]) for name in space}
