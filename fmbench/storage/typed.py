"""JSON values as typed dataclasses: checked completely, or rejected in one line."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fmbench.errors import FmbenchError, shown

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
STRICT: Any = {"strict": True, "extra": "forbid", "allow_inf_nan": False}
"""For a dataclass's `__pydantic_config__`: exact types, no other names, finite numbers."""


def parse(kind: type[T], values: object, where: Path | str) -> T:
    """Build a dataclass from JSON values.

    Args:
        kind: The dataclass; its annotations state the types and ranges.
        values: The values, by field.
        where: Their file, for messages.

    Raises:
        FmbenchError: A value is missing, unknown, or of another type or range.
    """
    from pydantic import ValidationError

    try:
        adapter: TypeAdapter[T] = _adapter(kind)  # type: ignore[arg-type]
        return adapter.validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(_part(part) for part in first["loc"]) or "content"
    if first["type"] == "missing":
        raise FmbenchError(f"{where}: {place} is missing; fmbench writes it")
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        raise FmbenchError(f"{where}: {place} is unknown; fmbench does not write it")
    reason = first["msg"].removeprefix("Value error, ")
    given = shown(first["input"])
    raise FmbenchError(f"{where}: {place} is {given}; {reason[:1].lower()}{reason[1:]}")


def _part(part: str | int) -> str:
    """Return a part of a place in a file; a name that a user chose may be anything."""
    text = str(part)
    return text if text.replace("_", "").isalnum() and len(text) <= 40 else shown(text)


@lru_cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # a quarter of a second, only where JSON is read

    return TypeAdapter(kind)
