"""What a field of a CSV or JSON file accepts besides its type, stated in its annotation."""

from __future__ import annotations

import math
import re
import sys
from typing import Annotated, Any, NamedTuple

MAX_INT = 2**63 - 1
MAX_FLOAT = sys.float_info.max


class Within(NamedTuple):
    """A range of numbers, with both ends; finite unless an end is infinite.

    Attributes:
        least: The smallest number.
        most: The largest number.
        or_nan: Whether NaN is accepted too.
    """

    least: float = -MAX_FLOAT
    most: float = MAX_FLOAT
    or_nan: bool = False

    def accepts(self, value: Any) -> bool:
        """Return whether a number, or None, is accepted."""
        if value is None or self.least <= value <= self.most:
            return True
        return self.or_nan and math.isnan(value)

    @property
    def words(self) -> str:
        """The range in words, to follow "a number"."""
        if self.most < MAX_INT:
            return f"from {self.least} to {self.most}"
        if self.least > -MAX_FLOAT:
            return f"of at least {self.least}"
        return "that is finite" if self.most < math.inf else "in digits"

    def check(self, value: Any) -> Any:
        """Return an accepted value.

        Raises:
            ValueError: It is not accepted.
        """
        if not self.accepts(value):
            raise ValueError(f"give a number {self.words}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return the schema with which pydantic checks a field of JSON."""
        return _checked_by(self.check, source, handler)


class Matching(NamedTuple):
    """A form of text.

    Attributes:
        pattern: The regular expression of the whole text.
        words: The form in words.
    """

    pattern: str
    words: str

    def check(self, value: Any) -> Any:
        """Return an accepted value.

        Raises:
            ValueError: It is not accepted.
        """
        if not re.fullmatch(self.pattern, value):
            raise ValueError(f"give {self.words}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return the schema with which pydantic checks a field of JSON."""
        return _checked_by(self.check, source, handler)


class PlainValue:
    """A number, a text, null, or a list of numbers or of texts."""

    def check(self, value: Any) -> Any:
        """Return an accepted value.

        Raises:
            ValueError: It is not accepted.
        """
        kinds = {type(entry) for entry in (value if isinstance(value, list) else [value])}
        if not (kinds <= {int, float} or kinds == {str} or value is None):
            raise ValueError("give a number, a text or a list of them")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return the schema with which pydantic checks a field of JSON."""
        return _checked_by(self.check, source, handler)


def _checked_by(check: Any, source: Any, handler: Any) -> Any:
    from pydantic import AfterValidator  # a quarter of a second, only where JSON is read

    return AfterValidator(check).__get_pydantic_core_schema__(source, handler)


ANY = Within(-math.inf, math.inf, or_nan=True)
WHOLE = Within(-MAX_INT, MAX_INT)
Count = Annotated[int, Within(0, MAX_INT)]
Positive = Annotated[int, Within(1, MAX_INT)]
Amount = Annotated[float, Within(0)]
Share = Annotated[float, Within(0, 1)]
PossibleCount = Annotated[int | None, Within(0, MAX_INT)]
PossibleAmount = Annotated[float | None, Within(0)]
PossibleShare = Annotated[float | None, Within(0, 1)]
Plain = Annotated[Any, PlainValue()]
Finite = Annotated[float, Within()]
Duration = Annotated[float, Within(1e-6)]
Sha256 = Annotated[str, Matching(r"[0-9a-f]{64}", "the 64 hexadecimal digits of a sha256")]
Kind = Annotated[
    str,
    Matching(r"task|policy|backbone|encoder|axis", "task, policy, backbone, encoder or axis"),
]
Colour = Annotated[str, Matching(r"#[0-9A-Fa-f]{6}", 'a colour such as "#0072B2"')]
