"""Rows of a file as columns: much faster to read than one object for each row.

What is accepted is defined by `fmbench.storage.row_files.read_rows`. The quick way here accepts
less, and never anything else: whatever it is not sure of is read that way, which also names the
line of a mistake.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic

from fmbench.errors import FmbenchError
from fmbench.storage.compressed import read_texts, stored_path
from fmbench.storage.row_files import read_header, read_rows, records
from fmbench.storage.row_values import reader, value_text
from fmbench.storage.rows import R, Row, columns, later_columns, ranges

SEPARATOR = "\x1f"
"""Between the values of a row in its sealed text."""


@dataclasses.dataclass(frozen=True)
class RowTable(Generic[R]):
    """The rows of a file.

    Attributes:
        row_type: Their type.
        columns: The values of each of its columns, in order.
        texts: The text of each row that a seal covers; empty if none was asked for.
    """

    row_type: type[R]
    columns: dict[str, list[Any]]
    texts: list[str] = dataclasses.field(default_factory=list)
    _groups: dict[tuple[str, ...], dict[tuple[Any, ...], list[int]]] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def row(self, place: int) -> R:
        """Return one row."""
        return self.row_type(**{name: values[place] for name, values in self.columns.items()})

    @cached_property
    def rows(self) -> list[R]:
        """All rows."""
        names = tuple(self.columns)
        return [
            self.row_type(**dict(zip(names, values, strict=True)))
            for values in zip(*self.columns.values(), strict=True)
        ]

    def take(self, places: Sequence[int]) -> RowTable[R]:
        """Return some of the rows, in the order given, without texts."""
        taken = {name: [values[p] for p in places] for name, values in self.columns.items()}
        return RowTable(self.row_type, taken)

    def keys(self, names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """Return the values of some columns, row by row."""
        return zip(*(self.columns[name] for name in names), strict=True)

    def groups(self, names: tuple[str, ...]) -> dict[tuple[Any, ...], list[int]]:
        """Return the places of the rows with each combination of values in some columns."""
        if names not in self._groups:
            groups: dict[tuple[Any, ...], list[int]] = {}
            for place, key in enumerate(self.keys(names)):
                groups.setdefault(key, []).append(place)
            self._groups[names] = groups
        return self._groups[names]

    def first_rows(self, names: Iterable[str]) -> list[R]:
        """Return the first row with each combination of values in some columns, in order."""
        places: dict[tuple[Any, ...], int] = {}
        for place, key in enumerate(self.keys(names)):
            places.setdefault(key, place)
        return [self.row(place) for place in places.values()]


def table_of(rows: Sequence[R], row_type: type[R]) -> RowTable[R]:
    """Return rows as a table."""
    return RowTable(
        row_type, {name: [getattr(r, name) for r in rows] for name in columns(row_type)}
    )


def read_table(path: Path, row_type: type[R], with_texts: bool = False) -> RowTable[R]:
    """Read the rows that `fmbench.storage.row_files.write_rows` wrote.

    Args:
        path: The file.
        row_type: The type of its rows.
        with_texts: Whether to keep the texts that a seal covers, if the quick way has them.

    Raises:
        FmbenchError: The file is missing, or a column, a value or a key is wrong.
    """
    path = stored_path(path)
    try:
        return _read_quickly(path, row_type, with_texts)
    except (ValueError, KeyError, OSError, csv.Error, FmbenchError):
        return table_of(read_rows(path, row_type), row_type)


def _read_quickly(path: Path, row_type: type[R], with_texts: bool) -> RowTable[R]:
    """Read a table, or raise an error of any kind."""
    header, later = read_header(path), later_columns(row_type)
    if header != [name for name in columns(row_type) if name in header or name not in later]:
        raise ValueError("its columns are others, or in another order")
    table: RowTable[R] = RowTable(row_type, {name: [] for name in columns(row_type)})
    kinds, accepted = columns(row_type), ranges(row_type)
    readers = {name: reader(kinds[name], accepted.get(name), row_type.digits) for name in header}
    is_first = True
    for text in read_texts(path):
        cells = _cells(text, len(header), path)
        if is_first:
            cells, is_first = [texts[1:] for texts in cells], False
        for (name, read), texts in zip(readers.items(), cells, strict=True):
            table.columns[name].extend(map(read(set(texts)).__getitem__, texts))
        if with_texts:
            table.texts.extend(sealed_texts(dict(zip(header, cells, strict=True)), row_type))
    for field in dataclasses.fields(row_type):
        if field.name not in header:
            table.columns[field.name].extend([field.default] * len(table))
    _check_rows(table)
    return table


def _cells(text: str, count: int, path: Path) -> list[list[str]]:
    """Return the columns of some whole lines, which must be as a CSV writer writes them."""
    lines = text.count("\n")
    if '"' in text or "\r" in text:
        rows = list(records(io.StringIO(text, newline="\n"), path))
        if any(len(cells) != count for cells in rows):
            raise ValueError("a line has too many or too few values")
        return [list(column) for column in zip(*rows, strict=True)]
    cells = text.replace("\n", ",\n,").split(",")
    ends, size = cells[count :: count + 1], lines * (count + 1) + 1
    if ends != ["\n"] * lines or len(cells) != size or cells[-1]:
        raise ValueError("a line has too many or too few values, or no end")
    return [cells[place : -1 : count + 1] for place in range(count)]


def sealed_texts(cells: dict[str, list[str]], row_type: type[Row]) -> list[str]:
    """Return the text of each row that a seal covers.

    Later columns have a name, and count only where they do not have their default.

    Args:
        cells: The texts of each column.
        row_type: The type of the rows.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(row_type)}
    kinds, later = columns(row_type), later_columns(row_type)
    parts: list[Iterable[str]] = []
    for name, texts in cells.items():
        if name not in later:
            parts.append(texts)
            continue
        default = value_text(defaults[name], kinds[name], None, row_type.digits)
        covered = {t: "" if t == default else f"{SEPARATOR}{name}={t}" for t in set(texts)}
        parts.append(map(covered.__getitem__, texts))
    count = sum(name in later for name in cells)
    form = SEPARATOR.join(["%s"] * (len(cells) - count)) + "%s" * count
    return list(map(form.__mod__, zip(*parts, strict=True)))


def _check_rows(table: RowTable[Any]) -> None:
    """Reject two rows with the same key, and values that contradict each other."""
    row_type = table.row_type
    *others, last = row_type.key
    values = table.columns[last]
    for places in table.groups(tuple(others)).values():
        if len({values[place] for place in places}) != len(places):
            raise ValueError("two rows have the same key")
    if row_type.contradiction is not Row.contradiction:
        for row in table.first_rows(row_type.decisive or columns(row_type)):
            if row.contradiction:
                raise ValueError(row.contradiction)
