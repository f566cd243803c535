"""The tables of a grid, as a text asks for them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from fmbench.errors import FmbenchError, unknown


class Line:
    """A line of a table: its columns are attributes, numbers as numbers.

    Args:
        where: Which line it is, for messages.
        values: Column to text.
    """

    def __init__(self, where: str, values: dict[str, str]) -> None:
        self._where, self._values = where, values

    def __getattr__(self, name: str) -> str | float:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            error = unknown("column", name, tuple(self._values))
            raise FmbenchError(f"{self._where}: {error}")
        text = self._values[name]
        try:
            return float(text)
        except ValueError:
            return text

    def has(self, **values: object) -> bool:
        """Return whether it has these values, given as they are written; numbers are compared."""
        return all(_same(getattr(self, name), value) for name, value in values.items())


class Tables:
    """The tables that the drawing of a grid has written.

    Args:
        folder: The folder of the grid.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, list[Line]] = {}

    def lines(self, name: str, **values: object) -> list[Line]:
        """Return the lines of a table that have these values, in order.

        Args:
            name: Path of a CSV file in the folder of the grid, e.g. `main/matrix.csv`.
            values: Column to the value that a line must have there.

        Raises:
            FmbenchError: There is no such table, or no such column in it.
        """
        if name not in self._read:
            self._read[name] = list(self._open(name))
        return [line for line in self._read[name] if line.has(**values)]

    def line(self, name: str, **values: object) -> Line:
        """Return the only line of a table that has these values; see `lines`.

        Raises:
            FmbenchError: No line has them, or several have.
        """
        found = self.lines(name, **values)
        if len(found) != 1:
            wanted = ", ".join(f"{column} {value}" for column, value in values.items())
            raise FmbenchError(f"{name} has {len(found)} lines with {wanted}; a text needs one")
        return found[0]

    @cached_property
    def names(self) -> list[str]:
        """The tables that are there."""
        return sorted(p.relative_to(self._folder).as_posix() for p in self._folder.glob("*/*.csv"))

    def _open(self, name: str) -> Iterator[Line]:
        if name not in self.names:
            raise unknown("table", name, self.names)
        with (self._folder / name).open(encoding="utf-8", newline="") as file:
            for number, values in enumerate(csv.DictReader(file), 2):
                yield Line(f"{name}, line {number}", values)


def _same(value: str | float, wanted: object) -> bool:
    if isinstance(value, float) and isinstance(wanted, (int, float)):
        return value == float(wanted)
    return value == wanted
