"""Rows of a run folder as CSV files, read and written.

Writing is atomic and byte-stable: floats have six significant digits, all other values are exact,
and lines end with one newline. Reading is strict: what would not be written as the same bytes is
rejected, with file, line and column, and so is a number out of its range.
Text that a spreadsheet would run as a formula is written with a leading apostrophe, which reading
removes. A compressed file is read, and written again, compressed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from fmbench.errors import FmbenchError, shown, unknown
from fmbench.storage.compressed import SUFFIX, encode, read_lines, stored_path
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.row_values import parser, value_text, words
from fmbench.storage.rows import R, Row, columns, key_of, later_columns, ranges


def write_rows(path: Path, rows: Iterable[R], row_type: type[R]) -> None:
    """Write rows as CSV, atomically.

    Args:
        path: The file; its folder is created if it is missing.
        rows: The rows, in order.
        row_type: Their type, which also gives an empty file its header.

    Raises:
        FmbenchError: A value does not have its column's type or range, values contradict each
            other, or two rows have the same key.
    """
    path = stored_path(path)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns(row_type))
    seen: dict[tuple[object, ...], int] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{path}, line {line}"
        _check_row(row, seen.setdefault(key_of(row), line), line, where)
        writer.writerow(row_texts(row, row_type, where))
    write_bytes_atomic(path, encode(buffer.getvalue(), path))


def row_texts(row: Row, row_type: type[Row], where: str) -> list[str]:
    """Return the values of a row as they are written, in the order of the columns.

    Args:
        row: The row; it may have more fields than `row_type`.
        row_type: Its columns.
        where: Where it is written, for messages.

    Raises:
        FmbenchError: A value does not have its column's type or range.
    """
    accepted, texts = ranges(row_type), []
    for name, kind in columns(row_type).items():
        value = getattr(row, name)
        text = value_text(value, kind, accepted.get(name), row_type.digits)
        if text is None:
            expected = words(kind, accepted.get(name))
            raise FmbenchError(f"{where}, {name}: {shown(value)} is not {expected}")
        texts.append(text)
    return texts


def read_rows(path: Path, row_type: type[R]) -> list[R]:
    """Read the rows that `write_rows` wrote.

    Raises:
        FmbenchError: The file is missing, or a column, a value or a key is wrong.
    """
    path = stored_path(path)
    with _reader(path) as reader:
        return list(_parse(reader, row_type, path))


def read_header(path: Path) -> list[str]:
    """Read the column names of a row file.

    Raises:
        FmbenchError: The file is missing, or no CSV file.
    """
    with _reader(stored_path(path)) as reader:
        return next(reader, [])


@contextmanager
def _reader(path: Path) -> Iterator[Iterator[list[str]]]:
    """Open a CSV file, compressed or not; reject other files, also if found while reading."""
    try:
        yield records(read_lines(path), path)
    except FileNotFoundError:
        raise FmbenchError(f"{path} does not exist; give the folder of a finished run") from None
    except (ValueError, csv.Error) as error:
        form = "a CSV file compressed by bzip2" if path.suffix == SUFFIX else "a CSV file"
        reason = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
        raise FmbenchError(f"{path} is not {form} in UTF-8: {reason}") from error


class _Echo:
    """A file that returns what is written, for the writer that returns that in turn."""

    def write(self, text: str) -> str:
        return text


class _Lines:
    """An iterator that remembers the last line."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines, self.last = iter(lines), ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.last = next(self.lines)
        return self.last


def records(lines: Iterable[str], path: Path) -> Iterator[list[str]]:
    """Yield the values of each line, which must be one that a CSV writer writes.

    Args:
        lines: The lines, each with its end.
        path: Their file, for messages.

    Raises:
        FmbenchError: A line is another.
        csv.Error: It is none of a CSV file.
    """
    given = _Lines(lines)
    write = csv.writer(_Echo(), lineterminator="\n").writerow
    for number, cells in enumerate(csv.reader(given, strict=True), start=1):
        if write(cells) != given.last:
            raise FmbenchError(
                f"{path}, line {number}: its line end or its quotes are not those that fmbench "
                "writes; restore the file"
            )
        yield cells


def _parse(reader: Iterator[list[str]], row_type: type[R], path: Path) -> Iterator[R]:
    """Yield the rows of an open CSV file, header first."""
    types = columns(row_type)
    header = next(reader, [])
    for name in header:
        if name not in types:
            raise FmbenchError(f"{path}, line 1: {unknown('column', name, types)}")
    required = [name for name in types if name not in later_columns(row_type)]
    if missing := [name for name in required if name not in header]:
        raise FmbenchError(f"{path}, line 1: missing columns: {', '.join(missing)}")
    if len(header) != len(set(header)):
        raise FmbenchError(f"{path}, line 1: duplicate column")
    accepted = ranges(row_type)
    parsers = [
        lru_cache(maxsize=1024)(parser(types[name], accepted.get(name), row_type.digits))
        for name in header
    ]
    seen: dict[tuple[object, ...], int] = {}
    for line, cells in enumerate(reader, start=2):
        where = f"{path}, line {line}"
        if len(cells) != len(header):
            raise FmbenchError(f"{where}: {len(cells)} values for {len(header)} columns")
        values = {}
        for name, cell, parse in zip(header, cells, parsers, strict=True):
            try:
                values[name] = parse(cell)
            except (KeyError, ValueError):
                expected = words(types[name], accepted.get(name))
                raise FmbenchError(
                    f"{where}, column {name}: {shown(cell)} is not {expected}"
                ) from None
        row = row_type(**values)
        _check_row(row, seen.setdefault(key_of(row), line), line, where)
        yield row


def _check_row(row: Row, first: int, line: int, where: str) -> None:
    """Reject a row whose key is already on the line `first`, or whose values contradict."""
    if first != line:
        pairs = ", ".join(f"{name}={getattr(row, name)}" for name in row.key)
        raise FmbenchError(f"{where}: the same row as line {first} ({pairs})")
    if row.contradiction:
        raise FmbenchError(f"{where}: {row.contradiction}; both cannot be")
