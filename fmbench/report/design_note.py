"""One line about what the design of a table can find."""

from __future__ import annotations

import math

from fmbench.report.counted import counted
from fmbench.report.power import TYPICAL_SPREAD, Design, detectable_difference

RATES = (0.5, 0.95)
"""Rates of the better policy for which it is stated."""


def design_note(seeds: int, episodes: int, comparisons: int) -> str:
    """State the smallest differences that are found with 80 % power.

    Args:
        seeds: Training seeds of each policy.
        episodes: Episodes of each seed.
        comparisons: Comparisons in the table.
    """
    design = Design(seeds, episodes)
    text = (
        f"Smallest difference found with 80 % power by {counted(seeds, 'training seed')}"
        f" x {counted(episodes, 'episode')}: {_points(design)}, in a single comparison"
    )
    if comparisons > 1:
        adjusted = design._replace(comparisons=comparisons)
        text += f"; {_points(adjusted)}, in {comparisons} comparisons (Holm's first step)"
    if seeds > 1:
        text += f". Seeds are taken to deviate by {TYPICAL_SPREAD:g} of the possible"
    return f"{text}."


def points(design: Design, rate: float) -> str:
    """Say the smallest difference below a rate that a design finds, in percentage points."""
    difference = detectable_difference(design, rate)
    return "none" if math.isnan(difference) else f"{100 * difference:.0f} points"


def _points(design: Design) -> str:
    """Say the detectable differences at `RATES`."""
    return " and ".join(f"{points(design, rate)} below a rate of {rate:g}" for rate in RATES)
