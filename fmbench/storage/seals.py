"""Seals: one hash over all rows of a cell and their origin, as they are written."""

import dataclasses
import hashlib
from collections.abc import Iterable

from fmbench.storage.hashes import short_hash
from fmbench.storage.row_files import row_texts
from fmbench.storage.row_tables import SEPARATOR
from fmbench.storage.rows import CellRow, OriginRow, columns, later_columns

END = "\x1e"


def sealed(origin: OriginRow, rows: Iterable[CellRow], row_type: type[CellRow]) -> OriginRow:
    """Return the origin of a cell's rows with the hash of both in `rows_hash`.

    Args:
        origin: The origin; an earlier hash in it is replaced.
        rows: All rows of the cell, in order.
        row_type: Their type; only its columns count, and of those that earlier versions did not
            have only those that are not their defaults, each with its name.
    """
    return _sealed(origin, rows, row_type, with_names=True)


def is_sealed(origin: OriginRow, rows: Iterable[CellRow], row_type: type[CellRow]) -> bool:
    """Return whether rows and origin are those that `sealed` hashed, now or in earlier versions.

    Seals of earlier versions do not have the names of later columns; rows without values in these
    columns have the same seal in both.
    """
    rows = list(rows)
    kinds = (_sealed(origin, rows, row_type, with_names) for with_names in (True, False))
    return any(origin.rows_hash == kind.rows_hash for kind in kinds)


def has_seal_of(origin: OriginRow, texts: Iterable[str]) -> bool:
    """Return whether rows have the seal of `sealed`, given their texts.

    Args:
        origin: Their origin.
        texts: The text of each, as `fmbench.storage.row_tables` gives it.
    """
    return origin.rows_hash == _hash([_origin_text(origin), *texts])


def _sealed(
    origin: OriginRow, rows: Iterable[CellRow], row_type: type[CellRow], with_names: bool
) -> OriginRow:
    texts = [SEPARATOR.join(_texts(row, row_type, with_names)) for row in rows]
    return dataclasses.replace(origin, rows_hash=_hash([_origin_text(origin), *texts]))


def _hash(texts: Iterable[str]) -> str:
    """Return the short hash of texts, each with its end."""
    joined = END.join([*texts, ""])
    return short_hash(hashlib.sha256(joined.encode("utf-8", "backslashreplace")).hexdigest())


def _origin_text(origin: OriginRow) -> str:
    """Return the text of an origin; a plain setting is as if not there, as in earlier versions."""
    unsealed = dataclasses.replace(origin, rows_hash="")
    texts = zip(columns(OriginRow), row_texts(unsealed, OriginRow, "the origin"), strict=True)
    is_plain = origin.is_plain
    return SEPARATOR.join(
        text for name, text in texts if not (is_plain and name in OriginRow.setting)
    )


def _texts(row: CellRow, row_type: type[CellRow], with_names: bool) -> list[str]:
    """Return the values of a row; later columns with their defaults are as if not there."""
    defaults = {field.name: field.default for field in dataclasses.fields(row_type)}
    named = later_columns(row_type) if with_names else ()
    texts = zip(columns(row_type), row_texts(row, row_type, row_type.file_name), strict=True)
    return [
        f"{name}={text}" if name in named else text
        for name, text in texts
        if getattr(row, name) != defaults[name]
    ]
