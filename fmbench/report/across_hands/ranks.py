"""Rank correlation of policies between two hands, with its bootstrap interval.

The correlation on a task is Kendall's tau-b between the policies' success rates on the one hand and
on the other; over several tasks it is the mean of theirs. Training seeds of each policy, task and
hand are drawn with replacement, then the episodes of each, as for all quantities over tasks.
"""

from __future__ import annotations

import numpy as np

from fmbench.report.across_tasks.bootstrap import Numbers, bounds
from fmbench.report.over_seeds import Bounds

TIE_DIGITS = 9
"""Decimals to which equal means agree: their sums of fractions differ by rounding."""


def kendall(a: Numbers, b: Numbers) -> Numbers:
    """Return Kendall's tau-b of two lists of numbers: (..., n) and (..., n) to (...), in [-1, 1].

    It is 0 where all numbers of a list are equal: there is no order to agree with.
    """
    first, second = np.triu_indices(a.shape[-1], 1)
    signs_a, signs_b = (np.sign(x[..., first] - x[..., second]) for x in (a, b))
    # tau_b = sum_{i<j} sign(a_i - a_j) sign(b_i - b_j) / sqrt(A B), where A and B are the numbers
    # of pairs that are no ties in a and in b (Kendall 1945, Biometrika 33:239).
    agreeing = (signs_a * signs_b).sum(axis=-1)
    pairs = np.sqrt((signs_a**2).sum(axis=-1) * (signs_b**2).sum(axis=-1))
    return np.asarray(np.divide(agreeing, pairs, out=np.zeros_like(agreeing), where=pairs > 0))


def mean_rate(rates: Numbers) -> Numbers:
    """Return the mean over training seeds: (..., 1, seeds) to (...); equal ones to the last bit."""
    return np.asarray(rates.mean(axis=(-2, -1)).round(TIE_DIGITS))


def correlation_bounds(observed: Numbers, samples: Numbers, seeds: int) -> Bounds:
    """Return the interval of a correlation, as that of its place between -1 and 1.

    Args:
        observed: (...), the observed correlations.
        samples: (resamples, ...), those of every bootstrap sample.
        seeds: Training seeds of each policy, at least 1.
    """
    low, high = bounds((observed + 1) / 2, (samples + 1) / 2, seeds)
    return Bounds(2 * low - 1, 2 * high - 1)
