"""Atomic writes of bytes and JSON objects, and strict reads of JSON objects."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fmbench.errors import FmbenchError


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write a file atomically: it is the old or the complete new one, even after a power cut."""
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
    """Write an object as indented JSON, atomically; NaN and infinity are rejected."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FmbenchError(f"{path} cannot be written as JSON: {error}") from error
    write_bytes_atomic(path, f"{text}\n".encode())


def read_json(path: Path, max_bytes: int = 16 * 2**20) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FmbenchError: The file is missing, larger than `max_bytes`, or not a JSON object.
    """
    try:
        if (size := path.stat().st_size) > max_bytes:
            raise FmbenchError(f"{path} has {size} bytes; at most {max_bytes} are accepted")
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise FmbenchError(f"{path} does not exist") from None
    except (ValueError, RecursionError) as error:
        raise FmbenchError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FmbenchError(f"{path} must hold a JSON object, not a {type(value).__name__}")
    return value
