"""The rows of a run folder: what a row holds, and how it is written and read without loss.

A row type is a frozen dataclass; its fields, in order, are the columns of its CSV file. Writing is
atomic and byte-stable: numbers are written with `repr`, lines end with one newline, and the file
appears whole or not at all. Reading is strict: what was not written by `write_rows` is refused
with the file, the line and the column. Text that a spreadsheet would run as a formula is written
with a leading apostrophe, which reading takes away again.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_type_hints

import numpy as np

from fmbench.errors import FmbenchError, unknown

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "'")


@dataclasses.dataclass(frozen=True)
class Row:
    """Base of the row types."""

    file_name: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    """Fields that no two rows of a file may share."""


@dataclasses.dataclass(frozen=True)
class EpisodeRow(Row):
    """One evaluation episode of one policy."""

    file_name: ClassVar[str] = "episodes.csv"
    key: ClassVar[tuple[str, ...]] = (
        "task",
        "policy",
        "sampler",
        "steps",
        "train_seed",
        "episode_seed",
    )

    task: str
    task_version: int
    policy: str
    """`expert`, `random`, `flow`, `diffusion`, `bc`, ..."""
    sampler: str
    """`euler`, `heun:late`, `ddpm`, `direct`, ...; empty where nothing is sampled."""
    steps: int
    """Requested sampler steps; 0 where nothing is sampled, and where a tolerance decides."""
    train_seed: int
    """-1 where nothing is trained."""
    episode_seed: int
    success: bool
    """Held for the task's number of control steps: the benchmark's success."""
    success_any: bool
    """True at one control step at least."""
    success_end: bool
    """True at the last control step."""
    progress: float
    """In [0, 1]."""
    episode_return: float
    length: int
    """Control steps."""
    time_to_success_s: float | None
    mode: str
    """Which of several equally good ways was taken; empty where there is one."""
    decisions: int
    """Chunks decided."""
    nfe: float
    """Mean network evaluations per chunk, counted at the network."""
    action_smoothness: float
    sim_unstable: bool
    error: str
    weights_hash: str
    demonstrations_hash: str
    task_hash: str
    config_hash: str
    commit: str
    device: str


@dataclasses.dataclass(frozen=True)
class MeasurementRow(Row):
    """The cost of one trained policy with one sampler."""

    file_name: ClassVar[str] = "measurements.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "policy", "sampler", "steps", "train_seed")

    task: str
    policy: str
    sampler: str
    steps: int
    train_seed: int
    headline: bool
    """The configuration shown first for its policy; one per task and policy."""
    parameters: int
    updates: int
    training_time_s: float | None
    latency_ms_p50: float | None
    latency_ms_p95: float | None


@dataclasses.dataclass(frozen=True)
class TrainingRow(Row):
    """One logged update of one training."""

    file_name: ClassVar[str] = "training.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "policy", "train_seed", "update")

    task: str
    policy: str
    train_seed: int
    update: int
    loss: float
    learning_rate: float
    gradient_norm: float


@dataclasses.dataclass(frozen=True)
class DiagnosticRow(Row):
    """What the chunks of one trained policy look like with one sampler."""

    file_name: ClassVar[str] = "diagnostics.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "policy", "sampler", "steps", "train_seed")

    task: str
    policy: str
    sampler: str
    steps: int
    train_seed: int
    windows: int
    """Held-out windows of expert episodes."""
    samples: int
    """Chunks sampled for each."""
    chunk_distance: float
    """Mean root-mean-square distance of a sample to the expert's chunk, actions in [-1, 1]."""
    nearest_chunk_distance: float
    """The same for the nearest of a window's samples."""
    straightness: float | None
    """How far the paths from noise to chunks are from straight, 0 to 1 and more; flows only."""


R = TypeVar("R", bound=Row)


def write_rows(path: Path, rows: Iterable[R], row_type: type[R]) -> None:
    """Write rows as CSV; the file appears whole or not at all.

    Args:
        path: The file; its folder is made if it is missing.
        rows: The rows, written in the given order.
        row_type: Their type: an empty file still has its header.

    Raises:
        FmbenchError: If a value does not have its column's type, or two rows share a key.
    """
    types = columns(row_type)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(types)
    seen: dict[tuple[object, ...], int] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{path}, line {line}"
        _check_key(row, seen, line, where)
        writer.writerow(
            [_format(getattr(row, name), t, f"{where}, {name}") for name, t in types.items()]
        )
    write_bytes_atomic(path, buffer.getvalue().encode("utf-8", errors="backslashreplace"))


def read_rows(path: Path, row_type: type[R]) -> list[R]:
    """Read the rows that `write_rows` wrote.

    Raises:
        FmbenchError: If the file is missing, or a column, a value or a key is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_parse(csv.reader(file, strict=True), row_type, path))
    except FileNotFoundError:
        raise FmbenchError(f"{path} does not exist; give the folder of a finished run") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise FmbenchError(f"{path} is not a CSV file in UTF-8: {error}") from error


def neutralise(text: str) -> str:
    """Return `text` on one line, such that no spreadsheet takes it for a formula."""
    line = " ".join(text.splitlines())
    return f"'{line}" if _looks_like_formula(line) else line


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write a file that is either the old one or the whole new one, even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json_atomic(path: Path, value: Mapping[str, object]) -> None:
    """Write an object as indented JSON, atomically; NaN and infinity are refused."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FmbenchError(f"{path} cannot be written as JSON: {error}") from error
    write_bytes_atomic(path, f"{text}\n".encode())


def read_json(path: Path, max_bytes: int = 16 * 2**20) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FmbenchError: If the file is missing, larger than `max_bytes`, or not a JSON object.
    """
    try:
        if (size := path.stat().st_size) > max_bytes:
            raise FmbenchError(f"{path} has {size} bytes; at most {max_bytes} are read")
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FmbenchError(f"{path} does not exist") from None
    except (ValueError, RecursionError) as error:
        raise FmbenchError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FmbenchError(f"{path} must hold a JSON object, not a {type(value).__name__}")
    return value


def columns(row_type: type[Row]) -> dict[str, Any]:
    """Return the columns of a row type, in order, with their types."""
    hints = get_type_hints(row_type)
    return {field.name: hints[field.name] for field in dataclasses.fields(row_type)}


def _parse(reader: Iterator[list[str]], row_type: type[R], path: Path) -> Iterator[R]:
    """Yield the rows of an open CSV file, header first."""
    types = columns(row_type)
    header = next(reader, [])
    for name in header:
        if name not in types:
            raise FmbenchError(f"{path}, line 1: {unknown('column', name, types)}")
    if missing := [name for name in types if name not in header]:
        raise FmbenchError(f"{path}, line 1: missing columns: {', '.join(missing)}")
    if len(header) != len(types):
        raise FmbenchError(f"{path}, line 1: a column stands there twice")
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
        _check_key(row, seen, line, where)
        yield row


def _check_key(row: Row, seen: dict[tuple[object, ...], int], line: int, where: str) -> None:
    """Refuse a row whose key was seen before."""
    key = tuple(getattr(row, name) for name in row.key)
    if (first := seen.setdefault(key, line)) != line:
        pairs = ", ".join(f"{name}={value}" for name, value in zip(row.key, key, strict=True))
        raise FmbenchError(f"{where}: the same row as line {first} ({pairs})")


def _format(value: object, kind: Any, where: str) -> str:
    """Return the text of one value; NumPy scalars are taken as what they are."""
    if kind is str and isinstance(value, str):
        return neutralise(value)
    if kind is bool and isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if kind is int and isinstance(value, Integral) and not isinstance(value, bool):
        return repr(int(value))
    if kind in (float, float | None) and isinstance(value, Real) and not isinstance(value, bool):
        return repr(float(value))
    if kind == (float | None) and value is None:
        return ""
    raise FmbenchError(f"{where}: {value!r} is not {_NAMES[kind]}")


def _looks_like_formula(text: str) -> bool:
    """Say whether a spreadsheet might run `text`, or it begins like an escaped one."""
    return text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)


def _value(text: str, kind: Any, where: str) -> object:
    """Return the value of one text."""
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
