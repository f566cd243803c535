"""Numbers and text in few characters of a page: deflated, as base64; `packing.js` reads them.

Whole numbers are written as differences along time, each in as few bytes as it needs: a difference
d becomes 2 d, or -2 d - 1 if negative, in groups of seven bits, the lowest first, of which all but
the last have the eighth bit set (LEB128).
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVEL = 9


def pack_json(values: Mapping[str, Any]) -> str:
    """Return values as deflated JSON, in base64."""
    text = json.dumps(values, allow_nan=False, separators=(",", ":"))
    return _base64(zlib.compress(text.encode(), LEVEL))


def pack_numbers(tables: Sequence[tuple[NDArray[Any], float]]) -> str:
    """Return tables of numbers, packed together.

    Args:
        tables: Each `(rows, columns)`, row by row in time, and the steps per unit to which its
            numbers are rounded.

    Raises:
        ValueError: A number is not finite.
    """
    parts = []
    for table, steps in tables:
        whole = np.rint(np.asarray(table, dtype=np.float64) * steps)
        if not np.isfinite(whole).all():
            raise ValueError("a number is not finite")
        by_column = np.diff(whole, axis=0, prepend=0).astype(np.int64).T.ravel()
        parts.append(_variable_length(np.where(by_column < 0, -2 * by_column - 1, 2 * by_column)))
    return _base64(zlib.compress(b"".join(parts), LEVEL))


def _variable_length(values: NDArray[np.int64]) -> bytes:
    """Return whole numbers >= 0 in groups of seven bits."""
    groups = np.ones(len(values), dtype=np.int64)
    for bits in range(7, 63, 7):
        groups += values >= 1 << bits
    ends = np.cumsum(groups)
    out = np.zeros(int(groups.sum()), dtype=np.uint8)
    for place in range(int(groups.max(initial=0))):
        has = groups > place
        last = groups[has] == place + 1
        out[ends[has] - groups[has] + place] = (values[has] >> 7 * place & 127) | ~last * 128
    return out.tobytes()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
