"""Rows of a run folder as CSV files, read and written.

Writing is atomic and byte-stable: floats have `FLOAT_DIGITS` significant digits, all other values
are exact, and lines end with one newline. Rows that were read are written as the same bytes.
Reading is strict: a file that `write_rows` did not write is rejected, with file, line and column.
Text that a spreadsheet would run as a formula is written with a leading apostrophe, which reading
removes. A compressed file is read, and written again, compressed.
"""

from __future__ import annotations

import csv
import io
import lzma
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from fmbench.errors import FmbenchError, unknown
from fmbench.storage.compressed import SUFFIX, encode, open_text, stored_path
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.rows import R, Row, columns, key_of, later_columns

FLOAT_DIGITS = 6
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "'")


def write_rows(path: Path, rows: Iterable[R], row_type: type[R]) -> None:
    """Write rows as CSV, atomically.

    Args:
        path: The file; its folder is created if it is missing.
        rows: The rows, in order.
        row_type: Their type, which also gives an empty file its header.

    Raises:
        FmbenchError: A value does not have its column's type, or two rows have the same key.
    """
    path = stored_path(path)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns(row_type))
    seen: dict[tuple[object, ...], int] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{path}, line {line}"
        _check_key(row, seen.setdefault(key_of(row), line), line, where)
        writer.writerow(row_texts(row, row_type, where))
    write_bytes_atomic(path, encode(buffer.getvalue(), path))


def row_texts(row: Row, row_type: type[Row], where: str) -> list[str]:
    """Return the values of a row as they are written, in the order of the columns.

    Args:
        row: The row; it may have more fields than `row_type`.
        row_type: Its columns.
        where: Where it is written, for messages.

    Raises:
        FmbenchError: A value does not have its column's type.
    """
    types = columns(row_type)
    return [_format(getattr(row, name), kind, f"{where}, {name}") for name, kind in types.items()]


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


def neutralise(text: str) -> str:
    """Return `text` on one line, escaped so that no spreadsheet runs it as a formula."""
    line = " ".join(text.splitlines())
    return f"'{line}" if _looks_like_formula(line) else line


@contextmanager
def _reader(path: Path) -> Iterator[Iterator[list[str]]]:
    """Open a CSV file, compressed or not; reject other files, also if found while reading."""
    try:
        with open_text(path) as file:
            yield csv.reader(file, strict=True)
    except FileNotFoundError:
        raise FmbenchError(f"{path} does not exist; give the folder of a finished run") from None
    except (UnicodeDecodeError, csv.Error, lzma.LZMAError, EOFError) as error:
        form = "an xz-compressed CSV file" if path.suffix == SUFFIX else "a CSV file"
        raise FmbenchError(f"{path} is not {form} in UTF-8: {error}") from error


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
    seen: dict[tuple[object, ...], int] = {}
    for line, cells in enumerate(reader, start=2):
        where = f"{path}, line {line}"
        if len(cells) != len(header):
            raise FmbenchError(f"{where}: {len(cells)} values for {len(header)} columns")
        row = row_type(
            **{
                name: _value(cell, types[name], f"{where}, column {name}")
                for name, cell in zip(header, cells, strict=True)
            }
        )
        _check_key(row, seen.setdefault(key_of(row), line), line, where)
        yield row


def _check_key(row: Row, first: int, line: int, where: str) -> None:
    """Reject a row whose key is already on the line `first`."""
    if first != line:
        pairs = ", ".join(f"{name}={getattr(row, name)}" for name in row.key)
        raise FmbenchError(f"{where}: the same row as line {first} ({pairs})")


def _format(value: object, kind: Any, where: str) -> str:
    """Return the text of one value, which may be a NumPy scalar."""
    if kind is str and isinstance(value, str):
        return neutralise(value)
    if kind is bool and isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if kind is int and isinstance(value, Integral) and not isinstance(value, bool):
        return repr(int(value))
    if kind in (float, float | None) and isinstance(value, Real) and not isinstance(value, bool):
        return repr(float(f"{float(value):.{FLOAT_DIGITS}g}"))
    if kind == (float | None) and value is None:
        return ""
    raise FmbenchError(f"{where}: {value!r} is not {_NAMES[kind]}")


def _looks_like_formula(text: str) -> bool:
    """Return whether a spreadsheet might run `text`, or `text` starts like an escaped formula."""
    return text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)


def _value(text: str, kind: Any, where: str) -> object:
    """Parse the text of one value."""
    try:
        if kind is str:
            return text[1:] if text.startswith("'") and _looks_like_formula(text[1:]) else text
        if kind is bool:
            return {"true": True, "false": False}[text]
        if kind is int:
            return int(text)
        return None if kind == (float | None) and not text else float(text)
    except (KeyError, ValueError):
        raise FmbenchError(f"{where}: {text!r} is not {_NAMES[kind]}") from None


_NAMES = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    float | None: "a number or nothing",
}
