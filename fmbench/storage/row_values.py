"""Values of row files as text: written in one form each, and read in that form only."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache, partial
from numbers import Integral, Real
from typing import Any

import numpy as np

from fmbench.storage.accepted import ANY, MAX_INT, WHOLE, Within
from fmbench.storage.rows import FLOAT_DIGITS

POSSIBLE = (float | None, int | None)
"""Types of numbers that may be missing."""
MAX_NUMBER_CHARACTERS, MAX_TEXT_CHARACTERS = 32, 2**17
_PLAIN = re.compile(
    r"-?(?:0\.0|[1-9]\d{0,5}\.0|(?=.{3,7}\Z)[1-9]\d*\.\d*[1-9]|0\.0{0,3}[1-9](?:\d{0,4}[1-9])?)",
    re.ASCII,
).fullmatch
"""Numbers of at most `FLOAT_DIGITS` digits, from 0.0001 on, without an exponent.

Any two of them differ as floats, and `repr` gives the shortest text of a float and no exponent in
this range: so each is the text of its own value, rounded to these digits.
"""
_ALL_PLAIN = re.compile(
    r"(?:-?(?:0\.0|[1-9]\d{0,5}\.0|(?=[^\n]{3,7}\n)[1-9]\d*\.\d*[1-9]"
    r"|0\.0{0,3}[1-9](?:\d{0,4}[1-9])?)\n)*+",
    re.ASCII,
).fullmatch
"""Lines of such numbers."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "'")


def neutralise(text: str) -> str:
    """Return `text` on one line, escaped so that no spreadsheet runs it as a formula."""
    line = " ".join(text.splitlines())
    return f"'{line}" if _looks_like_formula(line) else line


def value_text(value: Any, kind: Any, accepted: Within | None, digits: int) -> str | None:
    """Return the text of one value, which may be a NumPy scalar; None if it is not accepted."""
    text = _text_of(value, kind, digits)
    if text and accepted is not None and not accepted.accepts(_rounded(value)):
        return None
    return text


def _text_of(value: object, kind: Any, digits: int) -> str | None:
    """Return the text of one value; None if its type is wrong."""
    if kind is str and isinstance(value, str):
        return neutralise(value)
    if kind is bool and isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if kind in (int, int | None) and isinstance(value, Integral) and not isinstance(value, bool):
        return repr(int(value)) if -MAX_INT <= int(value) <= MAX_INT else None
    if kind in (float, float | None) and isinstance(value, Real) and not isinstance(value, bool):
        return _number_text(float(value), digits)
    return "" if kind in POSSIBLE and value is None else None


def _number_text(value: float, digits: int = FLOAT_DIGITS) -> str:
    return repr(float(f"{value:.{digits}g}"))


def _rounded(value: float) -> float:
    """Return a number as it is written: 1.0000000001 is within 0 and 1."""
    return float(f"{value:.{FLOAT_DIGITS}g}") if isinstance(value, float) else value


def parser(kind: Any, accepted: Within | None, digits: int) -> Callable[[str], object]:
    """Return a function that parses the text of a value; it raises KeyError or ValueError.

    A text is accepted only in the form in which `value_text` writes its value.
    """
    if kind is str:
        return _text
    if kind is bool:
        return {"true": True, "false": False}.__getitem__
    is_whole = kind in (int, int | None)
    read: Callable[[str], Any] = int if is_whole else float
    write: Callable[[Any], str] = repr if is_whole else partial(_number_text, digits=digits)
    accepts = (accepted or (WHOLE if is_whole else ANY)).accepts
    may_be_empty, is_plain = kind in POSSIBLE, not is_whole and digits >= FLOAT_DIGITS

    def number(text: str) -> object:
        if is_plain and _PLAIN(text):
            value = float(text)
            if not accepts(value):
                raise ValueError
            return value
        if not text and may_be_empty:
            return None
        if len(text) > MAX_NUMBER_CHARACTERS:
            raise ValueError
        value = read(text)
        if write(value) != text or not accepts(_rounded(value)):
            raise ValueError
        return value

    return number


def reader(
    kind: Any, accepted: Within | None, digits: int
) -> Callable[[Collection[str]], dict[str, object]]:
    """Return a function that parses the distinct texts of a column as `parser` does each.

    Most columns have many plain numbers, which are parsed all at once.
    """
    parse, accepts = parser(kind, accepted, digits), (accepted or ANY).accepts
    is_plain = kind in (float, float | None) and digits >= FLOAT_DIGITS

    def read(texts: Collection[str]) -> dict[str, object]:
        given = [text for text in texts if text and "e" not in text] if is_plain else []
        if not (given and _ALL_PLAIN("\n".join(given) + "\n")):
            return {text: parse(text) for text in texts}
        numbers = list(map(float, given))
        if not (accepts(min(numbers)) and accepts(max(numbers))):
            raise ValueError
        values: dict[str, object] = dict(zip(given, numbers, strict=True))
        others = texts if len(given) < len(texts) else ()  # empty, or with an exponent
        return values | {text: parse(text) for text in others if text not in values}

    return read


@lru_cache(maxsize=1024)
def _text(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError
    value = text[1:] if text.startswith("'") and _looks_like_formula(text[1:]) else text
    if neutralise(value) != text:
        raise ValueError
    return value


def words(kind: Any, accepted: Within | None) -> str:
    """Return what a column accepts, in words."""
    if accepted is None or kind is str:
        return _NAMES[kind]
    number, _, rest = _NAMES[kind].partition(" or ")
    return f"{number} {accepted.words}{f' or {rest}' if rest else ''}"


_NAMES = {
    str: "text as fmbench writes it",
    bool: "true or false",
    int: "a whole number",
    int | None: "a whole number or nothing",
    float: "a number",
    float | None: "a number or nothing",
}


def _looks_like_formula(text: str) -> bool:
    """Return whether a spreadsheet might run `text`, or `text` starts like an escaped formula."""
    return text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS)
