"""Tables and values of a grid file: which keys they have, and which runs their lists stand for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from fmbench.config import FLAGS
from fmbench.errors import FmbenchError, shown, unknown

NOT_IN_GRID = {
    "device": "give --devices on the command line",
    "from_run": "leave it out",
    "demonstrations": "leave it out",
    "unsuccessful": "leave it out",
}


def combinations(
    where: str, values: Mapping[str, Any]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each combination of single values: those that vary, and all of them.

    Raises:
        FmbenchError: A value is not one of its option; the message begins with `where`.
    """
    lists: dict[str, list[Any]] = {}
    for name, value in values.items():
        several = isinstance(value, list)
        if several and not value:
            raise FmbenchError(f"{where}: {name} is an empty list; give at least one value")
        if is_tuple(name):
            lists[name] = [tuple(_typed(where, name, v) for v in (value if several else [value]))]
        else:
            lists[name] = [_typed(where, name, v) for v in (value if several else [value])]
    varied = [name for name in lists if not is_tuple(name) and isinstance(values[name], list)]
    return [
        ({name: chosen[name] for name in varied}, chosen)
        for chosen in (
            dict(zip(lists, point, strict=True)) for point in itertools.product(*lists.values())
        )
    ]


def _typed(where: str, name: str, value: object) -> Any:
    """Return a value of the file in the type of its option."""
    kind: type = str if name == "hand" else FLAGS[name].kind
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        words = {str: "a text in quotes", int: "a whole number", float: "a number"}
        raise FmbenchError(f"{where}: {name} is {shown(value)}; give {words[kind]}")
    return value


def word_of(name: str, value: object) -> str:
    """Return a value in the name of a run: numbers with what they are."""
    if isinstance(value, str):
        return re.sub(r"[^A-Za-z0-9.]+", "_", Path(value).stem)
    return f"{name.replace('_', '')}{value:g}"


def is_tuple(name: str) -> bool:
    """Return whether an option takes several values in one run."""
    return name in FLAGS and FLAGS[name].is_several


def options_of_grid() -> list[str]:
    """Return the options of a run that a grid may state."""
    return [name for name in FLAGS if name not in NOT_IN_GRID]


def check_keys(path: Path, table: str, values: Mapping[str, Any], known: Collection[str]) -> None:
    """Reject a key that a table cannot have.

    Raises:
        FmbenchError: There is one; the message names it.
    """
    for name in values:
        where = f"{path}: {table}.{name}" if table else f"{path}: {name}"
        if name in NOT_IN_GRID and table:
            raise FmbenchError(f"{where} is not an option of a grid; {NOT_IN_GRID[name]}")
        if name not in known:
            raise FmbenchError(
                f"{path}: {unknown(f'key in {table}' if table else 'key', name, known)}"
            )


def table_of(path: Path, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table of a file; empty if it is not there.

    Raises:
        FmbenchError: It is something else.
    """
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise FmbenchError(f"{path}: {name} is {shown(table)}; give a table, [{name}]")
    return table
