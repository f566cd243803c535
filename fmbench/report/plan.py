"""What an experiment can show, in lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from fmbench.report.counted import counted
from fmbench.report.design_note import points
from fmbench.report.power import Design, equivalence_power, expected_interval
from fmbench.report.verdicts import LEVEL

RATES = (0.5, 0.8, 0.95)
"""Rates of the better policy for which differences are stated."""
_EQUAL_RATES = (0.5, 0.9, 0.98, 1.0)
_OTHER_SEEDS = (3, 5, 10, 20)


def plan_lines(design: Design, margin: float) -> Iterator[str]:
    """Yield what a design finds, and what others find with as many episodes.

    Args:
        design: The experiment.
        margin: Largest difference of success rates that does not matter.
    """
    yield f"{_name(design)}, {counted(design.comparisons, 'comparison')} (level {LEVEL}, Holm)"
    if design.seeds == 1:
        yield "one training seed compares two checkpoints; it says nothing about methods"
    else:
        yield f"seeds deviate by {design.spread:g} of the possible, sqrt(p (1 - p))"
    yield ""
    found = "smallest difference found with 80 % power"
    yield f"rate of the better policy   its 95 % interval   {found}"
    for rate in RATES:
        low, high = expected_interval(design, rate)
        yield f"{rate:<28g}{f'{low:.3f} to {high:.3f}':<20}{points(design, rate)}"
    yield ""
    yield f"equal rates   found equivalent within ±{100 * margin:g} points"
    for rate in _EQUAL_RATES:
        yield f"{rate:<14g}{100 * equivalence_power(design, rate, margin):.0f} %"
    if design.seeds == 1:
        return
    total = design.seeds * design.episodes
    yield ""
    yield f"with {total} episodes of each policy, at a rate of {RATES[0]:g}:"
    for seeds in sorted({*_OTHER_SEEDS, design.seeds}):
        other = design._replace(seeds=seeds, episodes=total // seeds)
        if other.episodes > 1:
            yield f"  {_name(other):<36}{points(other, RATES[0])}"


def _name(design: Design) -> str:
    return f"{counted(design.seeds, 'training seed')} x {counted(design.episodes, 'episode')}"
