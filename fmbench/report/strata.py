"""Intervals of sums over strata: tasks are the strata, training seeds the sample of each.

Variances of independent means add up, and the degrees of freedom of their sum are those of
Satterthwaite (1946), doi:10.2307/3002019.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95
SMOOTHING = 0.5
"""Added to each count of outcomes before the variance of episodes, as Agresti and Coull (1998) and,
for pairs, Agresti and Min (2005) do: without it episodes that are all alike have none."""


def half_width(variances: Sequence[float], degrees: Sequence[int]) -> float:
    """Return half the width of the 95 % interval of a sum of independent means.

    Args:
        variances: The variance of each mean, at least one above 0.
        degrees: The degrees of freedom of each variance; less than 1 counts as 1.
    """
    v, f = np.array(variances), np.maximum(degrees, 1)
    # freedom of the sum: (sum of v)^2 / sum of (v^2 / f)
    freedom = v.sum() ** 2 / (v**2 / f).sum()
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(v.sum()))


def variance_of_mean(seeds: Sequence[float] | NDArray[np.float64], of_episodes: float) -> float:
    """Return the variance of the mean of training seeds.

    It is that between the seeds, and at least that of their episodes alone: few seeds may agree by
    chance.

    Args:
        seeds: The value of each seed.
        of_episodes: Variance of a seed's value that follows from its episodes, the mean over seeds.
    """
    of_seeds = float(np.var(seeds, ddof=1)) if len(seeds) > 1 else 0.0
    return max(of_seeds, of_episodes) / len(seeds)


def share_variance(successes: float, episodes: int) -> float:
    """Return the variance of a success rate that follows from its episodes, smoothed."""
    total = episodes + 2 * SMOOTHING
    share = (successes + SMOOTHING) / total
    return share * (1 - share) / total
