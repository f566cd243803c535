"""How numbers are written in the text of a paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fmbench.errors import FmbenchError
from fmbench.report.paper.tables import Line
from fmbench.report.verdicts import AHEAD, BEHIND, EQUIVALENT, NON_INFERIOR, UNDECIDED

MINUS = "−"
SPELLED = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen"),
)
VERDICTS = (AHEAD, BEHIND, EQUIVALENT, NON_INFERIOR, UNDECIDED)
"""The order in which verdicts are counted; others follow."""


def percent(share: float, digits: int = 0) -> str:
    """Return a share as `97 %`."""
    return f"{_signless(100 * share, digits)} %"


def rate(line: Line, column: str = "success_rate") -> str:
    """Return a share of a line with its interval, as `97 % (91 to 99)`."""
    low, high = (_signless(100 * _number(line, name), 0) for name in ("low", "high"))
    return f"{percent(_number(line, column))} ({low} to {high})"


def points(line: Line, column: str = "difference") -> str:
    """Return a difference of two shares with its interval, as `−3.2 points (−9.0 to +1.1)`."""
    value, low, high = (signed(100 * _number(line, name)) for name in (column, "low", "high"))
    return f"{value} points ({low} to {high})"


def number(line: Line, column: str = "value", digits: int = 2) -> str:
    """Return a number of a line with its interval, as `0.62 (0.55 to 0.70)`."""
    value, low, high = (f"{_number(line, n):.{digits}f}" for n in (column, "low", "high"))
    return f"{value} ({low} to {high})".replace("-", MINUS)


def signed(value: float, digits: int = 1) -> str:
    """Return a number with its sign."""
    return f"{value:+.{digits}f}".replace("-", MINUS)


def spelled(count: float) -> str:
    """Return a number of things as a word, if it is small."""
    if count != int(count) or count < 0:
        raise FmbenchError(f"{count} is no number of things")
    return SPELLED[int(count)] if count < len(SPELLED) else f"{int(count):,}"


def span(lines: Sequence[Line], name: str, unit: float = 1.0, digits: int = 1) -> str:
    """Return the range of a column, as `0.7 to 1.8`; one number if its ends round alike.

    Args:
        lines: Lines of a table; those without a number there do not count.
        name: The column.
        unit: What is counted in, e.g. 1e6.
        digits: Digits after the decimal point.
    """
    values = [v / unit for v in (getattr(line, name) for line in lines) if not isinstance(v, str)]
    if not values:
        raise FmbenchError(f"no line has a number in the column {name}")
    ends = dict.fromkeys(_signless(value, digits) for value in (min(values), max(values)))
    return " to ".join(ends)


def starting(texts: Sequence[object], start: str) -> list[str]:
    """Return the texts that start with another."""
    return [str(text) for text in texts if str(text).startswith(start)]


def listed(texts: Sequence[object]) -> str:
    """Return texts as `A, B and C`; `none` if there is none."""
    names = [str(text) for text in texts]
    if len(names) < 2:
        return names[0] if names else "none"
    return f"{', '.join(names[:-1])} and {names[-1]}"


def column(lines: Sequence[Line], name: str) -> list[str | float]:
    """Return a column of several lines, each value once."""
    return list(dict.fromkeys(getattr(line, name) for line in lines))


def verdicts(lines: Sequence[Line]) -> str:
    """Return how often each verdict was given, as `ahead in 3, undecided in 7`."""
    counts = Counter(str(line.verdict) for line in lines)
    order = [*VERDICTS, *sorted(set(counts) - set(VERDICTS))]
    return ", ".join(f"{word} in {counts[word]}" for word in order if counts[word]) or "none"


def _number(line: Line, name: str) -> float:
    value = getattr(line, name)
    if isinstance(value, str):
        raise FmbenchError(f"column {name} of a table has {value!r}, which is no number")
    return float(value)


def _signless(value: float, digits: int) -> str:
    """Return a rounded number; what rounds to zero has no sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


FILTERS = {
    "percent": percent,
    "rate": rate,
    "points": points,
    "number": number,
    "signed": signed,
    "spelled": spelled,
    "span": span,
    "starting": starting,
    "listed": listed,
    "column": column,
    "verdicts": verdicts,
}
"""What a text may apply to what it asks for, as in `{{ line(...)|rate }}`."""
