"""What a number of training seeds and episodes can show, before or after it is run."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fmbench.report.over_seeds import (
    LEAST_SPREAD,
    Numbers,
    Seeds,
    difference_bounds,
    dispersion,
    interval_over_seeds,
    seeds_of,
)
from fmbench.report.statistics import paired_interval, wilson_interval
from fmbench.report.verdicts import LEVEL, MARGIN, MAX_SEEDS

POWER = 0.8
TYPICAL_SPREAD = 0.1
"""Deviation between seeds in units of sqrt(p (1 - p)), where none has been measured."""
_PAIRS = 2000
"""Simulated pairs of a design; a power of 0.8 has a standard error of 0.009."""


class Design(NamedTuple):
    """An experiment that compares policies."""

    seeds: int
    """Training seeds of each policy; with one, two checkpoints are compared."""
    episodes: int
    """Episodes of each seed."""
    spread: float = TYPICAL_SPREAD
    """Deviation between the seeds' true rates, in units of sqrt(p (1 - p))."""
    comparisons: int = 1
    """Comparisons in the table, over which Holm's adjustment is made."""


@functools.cache
def detectable_difference(design: Design, rate: float) -> float:
    """Return the smallest difference below `rate` that is found with 80 % power.

    Args:
        design: The experiment.
        rate: True success rate of the better policy.

    Returns:
        The difference, in whole percentage points; NaN if none is found that often.
    """
    points = [point / 100 for point in range(1, round(100 * rate) + 1)]
    low, high = 0, len(points)
    while low < high:  # power grows with the difference
        middle = (low + high) // 2
        if power_of(design, rate, rate - points[middle]) >= POWER:
            high = middle
        else:
            low = middle + 1
    return points[low] if low < len(points) else math.nan


def power_of(design: Design, rate_a: float, rate_b: float) -> float:
    """Return how often policy A is found ahead of policy B, if these are their true rates.

    Of one seed, the outcomes of two checkpoints are taken to be independent. The adjustment is
    Holm's for the pair with the smallest p-value.
    """
    level, generator = LEVEL / design.comparisons, np.random.default_rng(0)
    if design.seeds == 1:
        return float(np.mean(_ahead_of_checkpoint(design.episodes, rate_a, rate_b, level)))
    a, b = (_simulated(design, rate, generator) for rate in (rate_a, rate_b))
    low, _ = difference_bounds(a, b, 1 - level)
    return float(np.mean(low > 0))


def equivalence_power(design: Design, rate: float, margin: float = MARGIN) -> float:
    """Return how often two policies of equal rates are found equivalent within a margin."""
    generator = np.random.default_rng(0)
    if design.seeds == 1:
        shares = [rate * rate, rate * (1 - rate), rate * (1 - rate), (1 - rate) ** 2]
        tables = generator.multinomial(design.episodes, shares, _PAIRS).tolist()
        bounds = [paired_interval(*table) for table in tables]
        low, high = np.transpose(np.array(bounds))
    else:
        a, b = (_simulated(design, rate, generator) for _ in range(2))
        low, high = difference_bounds(a, b)
    return float(np.mean((low > -margin) & (high < margin)))


def expected_interval(design: Design, rate: float) -> tuple[float, float]:
    """Return the 95 % interval of one policy whose observed rate and spread are as given."""
    if design.seeds == 1:
        return wilson_interval(round(rate * design.episodes), design.episodes)
    low, high = interval_over_seeds(_expected(design, rate))
    return float(low), float(high)


def seeds_to_decide(
    a: Seeds, b: Seeds, comparisons: int = 1, margin: float = MARGIN
) -> NDArray[np.int64]:
    """Return how many training seeds would decide, if more of them looked like those observed.

    Args:
        a: Methods; a single checkpoint has the least spread, see `of_checkpoint`.
        b: The other of each pair.
        comparisons: Comparisons in the table.
        margin: Largest difference that does not matter.

    Returns:
        The number of each pair, or `MAX_SEEDS` + 1 if even so many would not decide.
    """
    needed = np.full(np.shape(a.rate), MAX_SEEDS + 1)
    for seeds in range(max(a.seeds + 1, 2), MAX_SEEDS + 1):
        undecided = needed > MAX_SEEDS
        more_a, more_b = (
            Seeds(
                np.asarray(x.rate)[undecided],
                np.asarray(x.dispersion)[undecided],
                seeds,
                x.episodes,
            )
            for x in (a, b)
        )
        low, high = difference_bounds(more_a, more_b, 1 - LEVEL)
        adjusted_low, adjusted_high = difference_bounds(more_a, more_b, 1 - LEVEL / comparisons)
        decided = (low > -margin) | (high < margin) | (adjusted_low > 0) | (adjusted_high < 0)
        needed[undecided] = np.where(decided, seeds, MAX_SEEDS + 1)
    return needed


def of_checkpoint(successes: int, episodes: int) -> Seeds:
    """Return a single checkpoint as a method whose seeds would deviate by the least spread."""
    rate = np.asarray(successes / episodes)
    return Seeds(rate, np.asarray(dispersion(LEAST_SPREAD, episodes)), 1, episodes)


def _expected(design: Design, rate: float) -> Seeds:
    """Return seeds with just the rate and spread of a design."""
    spread = np.asarray(dispersion(design.spread, design.episodes))
    return Seeds(np.asarray(rate), spread, design.seeds, design.episodes)


def _simulated(design: Design, rate: float, generator: np.random.Generator) -> Seeds:
    """Draw the seeds of many runs of a policy."""
    rates = draw_rates(rate, design.spread, (_PAIRS, design.seeds), generator)
    return seeds_of(generator.binomial(design.episodes, rates), design.episodes)


def draw_rates(
    rate: float, spread: float, shape: tuple[int, ...], generator: np.random.Generator
) -> Numbers:
    """Draw true rates of seeds: beta distributed, with a deviation of spread sqrt(p (1 - p))."""
    if spread == 0 or rate in (0.0, 1.0):
        return np.full(shape, rate)
    # Var[p] = p (1 - p) / (a + b + 1) = spread^2 p (1 - p)
    total = 1 / spread**2 - 1
    return generator.beta(rate * total, (1 - rate) * total, shape)


def _ahead_of_checkpoint(
    episodes: int, rate_a: float, rate_b: float, level: float
) -> NDArray[np.bool_]:
    """Return whether A is ahead in McNemar's exact test, for many pairs of checkpoints."""
    generator = np.random.default_rng(0)
    only = [rate_a * (1 - rate_b), rate_b * (1 - rate_a)]
    counts = generator.multinomial(episodes, [*only, 1 - sum(only)], _PAIRS)
    b, c = counts[:, 0], counts[:, 1]
    ahead: NDArray[np.bool_] = (b > c) & (2 * special.bdtr(c, b + c, 0.5) < level)
    return ahead
