"""Atomic writes of bytes and JSON objects, and strict reads of JSON objects."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from fmbench.errors import FmbenchError
from fmbench.storage.critical import uninterrupted
from fmbench.storage.disk import needs_space
from fmbench.storage.leftovers import staged


def write_new(path: Path, data: bytes) -> None:
    """Write a file that nobody reads yet, completely to disk; remove it if that fails.

    Raises:
        RunFailed: The disk is full.
    """
    with needs_space(path, len(data)):
        try:
            with path.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write a file atomically: it is the old or the complete new one, even after a power cut.

    Raises:
        RunFailed: The disk is full; an old file is kept.
    """
    temporary = staged(path)
    with uninterrupted(), needs_space(path, len(data)):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(temporary, data)
        try:
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def write_json_atomic(path: Path, value: Mapping[str, object]) -> None:
    """Write an object as indented JSON, atomically; NaN and infinity are rejected."""
    write_bytes_atomic(path, encode_json(value, path))


def encode_json(value: Mapping[str, object], path: Path) -> bytes:
    """Return the bytes of an object for the JSON file `path`; NaN and infinity are rejected."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FmbenchError(f"{path} cannot be written as JSON: {error}") from error
    return f"{text}\n".encode()


def read_json(path: Path, max_bytes: int = 16 * 2**20) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FmbenchError: The file is missing, larger than `max_bytes`, not a JSON object, repeats a
            key, or holds NaN or infinity.
    """
    try:
        if (size := path.stat().st_size) > max_bytes:
            raise FmbenchError(f"{path} has {size} bytes; at most {max_bytes} are accepted")
        value = json.loads(
            path.read_bytes(), object_pairs_hook=_object, parse_constant=_reject_constant
        )
    except FileNotFoundError:
        raise FmbenchError(f"{path} does not exist") from None
    except (ValueError, RecursionError) as error:
        raise FmbenchError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FmbenchError(f"{path} must hold a JSON object, not a {type(value).__name__}")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{repeated!r} is there more than once")
    return values


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")
