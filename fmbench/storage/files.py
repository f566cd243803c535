"""Atomic writes of bytes and JSON objects, and bounded, strict reads."""

from __future__ import annotations

import json
import math
import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

from fmbench.errors import FmbenchError, shown
from fmbench.storage.critical import uninterrupted
from fmbench.storage.disk import needs_space
from fmbench.storage.leftovers import staged

MAX_JSON_BYTES = 16 * 2**20
MAX_JSON_DEPTH = 32
MAX_INT_DIGITS = 18


def write_new(path: Path, data: bytes) -> None:
    """Write a file that nobody reads yet, completely to disk; remove it if that fails.

    Raises:
        RunFailed: The disk is full.
    """
    write_parts(path, len(data), (data,))


def link_file(path: Path, source: Path) -> None:
    """Give a file a second name, in another folder of the same disk; one that is there goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.hardlink_to(source)


def write_parts(path: Path, size: int, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file that is too large for memory, part after part; see `write_new`.

    Args:
        path: The file, which nobody reads yet.
        size: Its size [bytes], for the message on a full disk.
        parts: Its content, in order.

    Raises:
        RunFailed: The disk is full.
    """
    with needs_space(path, size):
        try:
            with path.open("wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def append_bytes(path: Path, data: bytes) -> None:
    """Append to a log of records, which its readers follow while it grows; make it if missing.

    A process that is killed meanwhile may leave a part of the last record, which they ignore.
    """
    with path.open("ab") as file:
        file.write(data)


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
        return f"{text}\n".encode()
    except (TypeError, ValueError) as error:
        raise FmbenchError(f"{path} cannot be written as JSON: {error}") from error


def open_regular(path: Path) -> IO[bytes]:
    """Open a file for reading.

    Raises:
        FileNotFoundError: It does not exist.
        FmbenchError: It is a folder, a pipe or a device, or cannot be opened.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would wait for its other end
    except FileNotFoundError:
        raise
    except OSError as error:
        raise FmbenchError(f"{path} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FmbenchError(f"{path} is not a file; it must be one, not a folder, pipe or device")
    return os.fdopen(handle, "rb")


def read_json(path: Path, max_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FmbenchError: The file is missing, larger than `max_bytes`, not a JSON object, repeats a
            key, is nested too deeply, or holds what is no number or text elsewhere.
    """
    try:
        with open_regular(path) as file:
            if (size := os.fstat(file.fileno()).st_size) > max_bytes:
                raise FmbenchError(f"{path} has {size} bytes; at most {max_bytes} are accepted")
            data = file.read(size)
        value = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_constant=_reject_constant,
            parse_int=_int,
            parse_float=_float,
        )
        _check_depth(value)
        if b"\\u" in data:  # an escape may be half of a character, which no file can hold
            json.dumps(value, ensure_ascii=False).encode()
    except FileNotFoundError:
        raise FmbenchError(f"{path} does not exist") from None
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise FmbenchError(f"{path} is not JSON in UTF-8: {error.reason}") from error
    except (ValueError, RecursionError) as error:
        raise FmbenchError(f"{path} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise FmbenchError(f"{path} must hold a JSON object, not a {type(value).__name__}")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"{shown(counts.most_common(1)[0][0])} is there more than once")
    return values


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _int(text: str) -> int:
    if len(text.lstrip("-")) > MAX_INT_DIGITS:
        raise ValueError(f"{text[:MAX_INT_DIGITS]}... is too large a number")
    return int(text)


def _float(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{shown(text)} is too large a number")
    return value


def _check_depth(value: object) -> None:
    """Reject nesting that later steps could not follow."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise ValueError(f"it is nested more than {MAX_JSON_DEPTH} levels deep")


def _children(value: object) -> list[object]:
    """Return the objects and lists in an object or a list."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return []
    return [child for child in value if isinstance(child, dict | list)]
