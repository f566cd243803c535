"""Interval of a method's success rate, and of the difference of two, over their training seeds.

The training seeds are the sample: episodes are never pooled. Seeds differ by more than their
episodes explain, and three to ten of them estimate poorly by how much. So the estimate is moderated
(as in Smyth 2004, doi:10.2202/1544-6115.1027): it has the weight of the seeds' degrees of freedom,
and a stated least spread that of `LEAST_WEIGHT` more. The episodes divided by this dispersion are
the effective episodes, on which the interval is Clopper and Pearson's of 1934; Student's t instead
of the normal quantile pays for the estimate (Korn and Graubard 1998). `results/intervals/` has its
coverage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

LEAST_SPREAD = 0.25
"""Least deviation between seeds, in units of sqrt(p (1 - p)), the largest possible one."""
LEAST_WEIGHT = 5.0
"""Degrees of freedom that the least spread counts as."""
RANGE = 0.3
"""Largest deviation between seeds, in the same units, for which the coverage is shown."""
_LEVEL_BEYOND = 0.05
_HALVINGS = 40
_SMALLEST_P, _LARGEST_P = 1e-12, 0.999  # at 1 both quantiles are 0; above the latter p is 1

Numbers = NDArray[np.float64]


class Seeds(NamedTuple):
    """What the training seeds of a method say; one element for each method."""

    rate: Numbers
    """Mean of the seeds' success rates, in [0, 1]."""
    dispersion: Numbers
    """Variance between the seeds' rates, divided by that of equal seeds, p (1 - p) / episodes."""
    seeds: int
    episodes: int
    """Episodes of each seed."""


class Differences(NamedTuple):
    """Rates of A minus those of B, with intervals and p-values; one element for each pair."""

    mean: Numbers
    low: Numbers
    high: Numbers
    p: Numbers


class Bounds(NamedTuple):
    """Lower and upper bounds, one element for each method or pair."""

    low: Numbers
    high: Numbers


def seeds_of(successes: ArrayLike, episodes: int) -> Seeds:
    """Reduce the counts of methods to what the interval needs.

    Args:
        successes: (..., seeds) successes of each training seed, at least two, each in 0..episodes.
        episodes: Episodes of each seed, at least 1.

    Raises:
        ValueError: There are fewer than two seeds, or a count is impossible.
    """
    counts = np.asarray(successes, dtype=np.float64)
    if counts.ndim == 0 or counts.shape[-1] < 2:
        raise ValueError(f"shape of the successes is {counts.shape}; need two training seeds")
    if episodes < 1 or counts.min() < 0 or counts.max() > episodes:
        raise ValueError(
            f"successes are {counts.min():g} to {counts.max():g} of {episodes} episodes; need "
            "0 <= successes <= episodes and episodes >= 1"
        )
    rates = counts / episodes
    rate = rates.mean(axis=-1)
    expected = rate * (1 - rate) / episodes
    # Of one failure in all, the dispersion is 1; so it is in the limit of none.
    varies = expected > 1e-12
    ratio = rates.var(axis=-1, ddof=1) / np.where(varies, expected, 1.0)
    return Seeds(rate, np.where(varies, ratio, 1.0), counts.shape[-1], episodes)


def dispersion(spread: float, episodes: int) -> float:
    """Return the dispersion of seeds that deviate by `spread` sqrt(p (1 - p))."""
    return 1 + (episodes - 1) * spread**2


def is_beyond_range(seeds: Seeds) -> NDArray[np.bool_]:
    """Return whether seeds differ by more than `RANGE` explains, e.g. where some fail altogether.

    It is a one-sided chi-squared test with level 0.05.
    """
    return _is_beyond(seeds.dispersion, seeds.seeds, seeds.episodes)


def _is_beyond(observed: Numbers, seeds: int, episodes: int) -> NDArray[np.bool_]:
    limit = special.chdtri(seeds - 1, _LEVEL_BEYOND) / (seeds - 1)
    beyond: NDArray[np.bool_] = observed > dispersion(RANGE, episodes) * limit
    return beyond


def interval_over_seeds(seeds: Seeds, confidence: float | Numbers = 0.95) -> Bounds:
    """Compute the interval of the success rate of methods.

    Beyond the range the interval is at least as wide as the seeds' own spread makes it.

    Args:
        seeds: The methods.
        confidence: Coverage, in (0, 1).
    """
    paid = paid_for(seeds.dispersion, seeds.seeds, seeds.episodes, confidence)
    tail = (1 - confidence) / 2
    return clopper_pearson(seeds.rate, seeds.seeds * seeds.episodes / paid, tail)


def paid_for(
    dispersion_of_seeds: Numbers, seeds: int, episodes: int, confidence: float | Numbers
) -> Numbers:
    """Return by how much an effective episode costs more than one, at least 1.

    Args:
        dispersion_of_seeds: Variance between the seeds, divided by that of equal seeds.
        seeds: Training seeds, at least two.
        episodes: Episodes of each.
        confidence: Coverage of the interval, in (0, 1).
    """
    tail, freedom = (1 - confidence) / 2, seeds - 1
    normal = special.ndtri(1 - tail)
    least = dispersion(LEAST_SPREAD, episodes)
    total = LEAST_WEIGHT + freedom
    moderated = (LEAST_WEIGHT * least + freedom * dispersion_of_seeds) / total
    # n_eff = S n / (D (t / z)^2), D = (d0 D0 + (S - 1) D_observed) / (d0 + S - 1)
    paid = np.maximum(moderated, 1.0) * (special.stdtrit(total, 1 - tail) / normal) ** 2
    own = dispersion_of_seeds * (special.stdtrit(freedom, 1 - tail) / normal) ** 2
    beyond = _is_beyond(dispersion_of_seeds, seeds, episodes)
    return np.asarray(np.where(beyond, np.maximum(paid, own), paid))


def difference_bounds(a: Seeds, b: Seeds, confidence: float | Numbers = 0.95) -> Bounds:
    """Compute the interval of the rate of A minus that of B, for each pair of methods.

    The bounds of both are combined by squaring and adding (Newcombe 1998, method 10; Zou and Donner
    2008). Training seeds of two policies are no pairs. That both meet the same episodes is not
    used: where these are hard for both, the interval is wider than it must be.
    """
    (low_a, high_a), (low_b, high_b) = (interval_over_seeds(x, confidence) for x in (a, b))
    difference = a.rate - b.rate
    # L = d - sqrt((p_A - l_A)^2 + (u_B - p_B)^2), U = d + sqrt((u_A - p_A)^2 + (p_B - l_B)^2)
    return Bounds(
        difference - np.hypot(a.rate - low_a, high_b - b.rate),
        difference + np.hypot(high_a - a.rate, b.rate - low_b),
    )


def difference_over_seeds(a: Seeds, b: Seeds, confidence: float = 0.95) -> Differences:
    """Compare methods in pairs: `difference_bounds`, and the p-value that belongs to them.

    Args:
        a: One method of each pair.
        b: The other.
        confidence: Coverage of the interval, in (0, 1).

    Returns:
        The differences; p is the smallest level at which the interval excludes 0, at least 1e-12.
    """
    return Differences(a.rate - b.rate, *difference_bounds(a, b, confidence), _p_values(a, b))


def _p_values(a: Seeds, b: Seeds) -> Numbers:
    """Return the levels at which a bound of the difference is 0."""
    return p_values(a.rate - b.rate, lambda level: difference_bounds(a, b, 1 - level))


def p_values(differences: Numbers, bounds: Callable[[Numbers], Bounds]) -> Numbers:
    """Return the levels at which a bound of each difference is 0, by bisection of their logarithms.

    The interval grows as the level falls, so a bound of it passes 0 once.

    Args:
        differences: The differences, which tell the bound.
        bounds: Returns their intervals at a level for each, 1 less the coverage.

    Returns:
        The levels, from 1e-12 to 1.
    """
    sign = np.where(differences > 0, 1.0, -1.0)

    def excludes_zero(level: Numbers) -> NDArray[np.bool_]:
        low, high = bounds(level)
        return np.where(sign > 0, low, -high) > 0

    smallest = np.full(np.shape(sign), np.log(_SMALLEST_P))
    largest = np.full(np.shape(sign), np.log(_LARGEST_P))
    is_one, is_least = ~excludes_zero(np.exp(largest)), excludes_zero(np.exp(smallest))
    for _ in range(_HALVINGS):
        middle = (smallest + largest) / 2
        excludes = excludes_zero(np.exp(middle))
        largest = np.where(excludes, middle, largest)
        smallest = np.where(excludes, smallest, middle)
    found: Numbers = np.where(is_one, 1.0, np.where(is_least, _SMALLEST_P, np.exp(largest)))
    return found[()]  # of a single pair as a number


def clopper_pearson(rate: Numbers, episodes: Numbers, tail: float | Numbers) -> Bounds:
    """Return the interval of a rate over a number of episodes that need not be whole.

    Args:
        rate: Success rates.
        episodes: Effective episodes of each.
        tail: Share of either side that is not covered; half of the level.
    """
    successes, failures = rate * episodes, (1 - rate) * episodes
    # low = Beta(tail; k, n - k + 1), high = Beta(1 - tail; k + 1, n - k)
    low = special.betaincinv(np.maximum(successes, 1e-9), failures + 1, tail)
    high = special.betaincinv(successes + 1, np.maximum(failures, 1e-9), 1 - tail)
    return Bounds(np.where(rate <= 0, 0.0, low), np.where(rate >= 1, 1.0, high))
