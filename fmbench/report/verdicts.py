"""Words for what a comparison of two policies has shown.

They follow from the 95 % interval of the difference and from a margin. Not separated is not equal:
two policies are equivalent only where the whole interval lies within the margin.
"""

from __future__ import annotations

import math
from typing import NamedTuple

AHEAD, BEHIND = "ahead", "behind"
EQUIVALENT, NON_INFERIOR = "equivalent", "non-inferior"
UNDECIDED = "undecided"
NOT_COMPARABLE = "not comparable"
"""The policies have no episode in common."""
MARGIN = 0.05
"""Largest difference of success rates that does not matter."""
LEVEL = 0.05
"""Level of the tests, after Holm's adjustment, and 1 less the coverage of the intervals."""
MAX_SEEDS = 50
"""Most training seeds that an undecided pair is told to need."""
DEFINITIONS = (
    "`A ahead of B`: the 95 % interval of the difference A − B lies above 0, also after Holm's"
    " adjustment over the table (adjusted p below 0.05); *within the margin* is added where it"
    " also lies inside the margin of ±{margin:g} points. Otherwise `equivalent`: the interval lies"
    " inside the margin (two one-sided tests, each at level 0.025). Otherwise `A non-inferior to"
    " B`: the interval lies above −{margin:g} points (one of the two). Otherwise `undecided`, which"
    " says nothing about equality."
)


class Verdict(NamedTuple):
    """The verdict on policy A against policy B."""

    word: str
    """One of the words of this module; `ahead` and `behind` are said of A."""
    favours: int = 0
    """1 if it favours A, -1 if B, 0 if neither."""
    within_margin: bool = False
    """Whether a policy is ahead by less than the margin, at most."""


def verdict_of(
    low: float, high: float, p_holm: float, margin: float = MARGIN, level: float = LEVEL
) -> Verdict:
    """Return what the interval of a difference A - B shows.

    Args:
        low: Lower bound of the 95 % interval.
        high: Its upper bound.
        p_holm: p-value of the test for a difference, adjusted over the table.
        margin: Largest difference that does not matter, in (0, 1).
        level: Level of the test for a difference.
    """
    if math.isnan(low) or math.isnan(high):
        return Verdict(NOT_COMPARABLE)
    if p_holm < level and (low > 0 or high < 0):
        favours = 1 if low > 0 else -1
        inside = -margin < low and high < margin
        return Verdict(AHEAD if favours > 0 else BEHIND, favours, inside)
    if -margin < low and high < margin:
        return Verdict(EQUIVALENT)
    if -margin < low:
        return Verdict(NON_INFERIOR, 1)
    if high < margin:
        return Verdict(NON_INFERIOR, -1)
    return Verdict(UNDECIDED)


def definitions(margin: float = MARGIN) -> str:
    """Explain the words for readers of a table, with the margin in percentage points."""
    return DEFINITIONS.format(margin=100 * margin)
