"""JSON objects that hold one hash of all their other values, so that a changed value is found."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fmbench.errors import FmbenchError
from fmbench.storage.files import read_json


def seal(values: Mapping[str, object], name: str) -> str:
    """Return the hash of all values but that called `name`, as 64 hexadecimal digits."""
    rest = {key: value for key, value in values.items() if key != name}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def with_seal(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the values and, last, their hash as `name`; an earlier one is replaced."""
    rest = {key: value for key, value in values.items() if key != name}
    return {**rest, name: seal(rest, name)}


def is_intact(values: Mapping[str, object], name: str) -> bool:
    """Return whether the hash called `name` is that of all other values."""
    return values.get(name) == seal(values, name)


def read_sealed(path: Path, name: str, instead: str) -> dict[str, Any]:
    """Read a file of such an object; return its other values.

    Args:
        path: The file.
        name: Name of the hash.
        instead: What to do but to restore the file, for the message.

    Raises:
        FmbenchError: The file is missing or malformed, or was changed after it was written.
    """
    values = read_json(path)
    if not is_intact(values, name):
        raise FmbenchError(
            f"{path} was changed after it was written (its {name} differs); restore it, or "
            f"{instead}"
        )
    del values[name]
    return values
