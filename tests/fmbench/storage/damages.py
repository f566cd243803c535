"""Random damage of bytes, JSON and CSV: what drew it says nothing about what it must lead to."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Damage = Callable[[bytes], bytes]
"""Returns the damaged content of a file."""
SHARE = st.floats(0, 1, exclude_max=True)
"""A place, as a share of all."""


def at(share: float, count: int) -> int:
    """Return the index of a place."""
    return int(share * count)


def on_bytes(kind: str, share: float, extra: bytes) -> Damage:
    def damage(data: bytes) -> bytes:
        k = at(share, max(1, len(data)))
        if kind == "flip":
            flipped = bytes(a ^ b for a, b in zip(data[k:], extra, strict=False))
            return data[:k] + flipped + data[k + len(flipped) :]
        if kind == "insert":
            return data[:k] + extra + data[k:]
        if kind == "remove":
            return data[:k] + data[k + len(extra) :]
        return data[:k]

    return damage


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every value inside a JSON value."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [p for k, v in inside for p in ((*path, k), *paths_of(v, (*path, k)))]


def on_json(kind: str, share: float, new: Any, name: str) -> Damage:
    def damage(data: bytes) -> bytes:
        try:
            value = json.loads(data)
        except ValueError:  # an earlier damage of the same example
            return data
        if not (paths := paths_of(value)):
            return data
        *path, last = paths[at(share, len(paths))]
        parent = value
        for part in path:
            parent = parent[part]
        if kind == "replace":
            parent[last] = new
        elif kind == "remove":
            del parent[last]
        elif kind == "rename" and isinstance(parent, dict):
            parent[name] = parent.pop(last)
        elif kind == "add" and isinstance(parent, dict):
            parent[name] = new
        elif kind == "exchange":
            *others, other = paths[at(share * 997 % 1, len(paths))]
            if others == path:
                parent[last], parent[other] = parent[other], parent[last]
        text = json.dumps(value, indent=2)
        if kind == "repeat" and isinstance(parent, dict):
            entry = f"{json.dumps(last)}: "
            text = text.replace(entry, f"{entry}{json.dumps(new)}, {entry}", 1)
        return text.encode("utf-8", "surrogatepass")

    return damage


def on_csv(kind: str, row: float, column: float, other: float, text: str) -> Damage:
    def damage(data: bytes) -> bytes:
        try:
            rows = list(csv.reader(io.StringIO(data.decode())))
        except (ValueError, csv.Error):
            return data
        if len(rows) < 2 or not rows[0]:
            return data
        r, s = (1 + at(share, len(rows) - 1) for share in (row, other))
        c, d = (at(share, len(rows[0])) for share in (column, other))
        if kind == "value" and c < len(rows[r]):
            rows[r][c] = text
        elif kind == "copy value" and max(c, d) < min(len(rows[r]), len(rows[s])):
            rows[r][c] = rows[s][c]
        elif kind == "remove row":
            del rows[r]
        elif kind == "repeat row":
            rows.insert(s, list(rows[r]))
        elif kind == "exchange rows":
            rows[r], rows[s] = rows[s], rows[r]
        elif kind == "rename column":
            rows[0][c] = text
        elif kind == "exchange names":
            rows[0][c], rows[0][d] = rows[0][d], rows[0][c]
        elif kind == "remove column":
            rows = [line[:c] + line[c + 1 :] for line in rows]
        elif kind == "exchange columns":
            order = list(range(len(rows[0])))
            order[c], order[d] = order[d], order[c]
            rows = [[line[k] for k in order if k < len(line)] for line in rows]
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        return buffer.getvalue().encode("utf-8", "surrogatepass")

    return damage


TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "0", "1", "-1", "1.0", "nan", "inf", "1e400", "true", "false", "expert", "flow", "bc"]
    ),
    st.integers(-5, 10**20).map(str),
    st.floats().map(repr),
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(),
        TEXTS,
        st.sampled_from(["__proto__", "\ud800", "x" * 5000, 10**4299]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=4,
)
BYTE_DAMAGES = st.builds(
    on_bytes,
    st.sampled_from(["flip", "insert", "remove", "cut"]),
    SHARE,
    st.binary(min_size=1, max_size=9),
)
JSON_DAMAGES = st.builds(
    on_json,
    st.sampled_from(["replace", "remove", "rename", "add", "exchange", "repeat"]),
    SHARE,
    VALUES,
    TEXTS,
)
CSV_DAMAGES = st.builds(
    on_csv,
    st.sampled_from(
        [
            *("value", "copy value", "remove row", "repeat row", "exchange rows", "rename column"),
            *("exchange names", "remove column", "exchange columns"),
        ]
    ),
    SHARE,
    SHARE,
    SHARE,
    TEXTS,
)


def damages_of(name: str) -> st.SearchStrategy[Damage]:
    """Return the damages of a file with some name."""
    if name.endswith(".json"):
        return st.one_of(BYTE_DAMAGES, JSON_DAMAGES, JSON_DAMAGES)
    if name.endswith(".csv"):
        return st.one_of(BYTE_DAMAGES, CSV_DAMAGES, CSV_DAMAGES)
    return BYTE_DAMAGES


@st.composite
def changes(draw: st.DrawFn, names: list[str]) -> list[tuple[str, Damage]]:
    """Draw damages of some of the files with these names."""
    drawn = []
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(names))
        drawn.append((name, draw(damages_of(name))))
    return drawn
