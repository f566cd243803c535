"""Interval of the change of a success rate from one set of starts to another, same policies.

The same checkpoints meet both sets, so what training seeds have in common cancels. What differs is
the starts: they are the sample. A start is met by several checkpoints, whose outcomes on it are
alike where it is hard or easy for all, so they are not counted as so many episodes. The variance of
the starts' mean outcomes gives the design effect (Kish 1965) and the effective episodes. On these
the interval of each set is Clopper and Pearson's, as in `fmbench.report.over_seeds`; both are
combined by squaring and adding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fmbench.report.over_seeds import Bounds, Differences, Numbers, clopper_pearson, p_values

LEAST_WEIGHT = 1.0
"""Weight, in starts that tell something, of the worst case: checkpoints alike on every start."""


class Starts(NamedTuple):
    """What the starts of a set say; one element for each cell or task."""

    rate: Numbers
    """Mean outcome, in [0, 1]."""
    effective: Numbers
    """Effective episodes, from the number of starts to that of all episodes."""


def starts_of(outcomes: ArrayLike, runs: ArrayLike) -> Starts:
    """Reduce the outcomes on a set of starts to what the interval needs.

    Args:
        outcomes: (..., starts) share of the episodes of each start that succeeded.
        runs: (...) episodes of each start, at least 1.

    Raises:
        ValueError: There is no start, or a share is impossible.
    """
    shares, episodes = (np.asarray(values, dtype=np.float64) for values in (outcomes, runs))
    if shares.ndim == 0 or not shares.size or shares.min() < 0 or shares.max() > 1:
        raise ValueError(f"outcomes have shape {shares.shape}; need one start, shares in [0, 1]")
    if episodes.min() < 1:
        raise ValueError(f"{episodes.min():g} episodes of a start; need one")
    starts = shares.shape[-1]
    rate = shares.mean(axis=-1)
    largest = rate * (1 - rate)
    varies = largest > 1e-12
    spread = shares.var(axis=-1, ddof=min(1, starts - 1))
    # D = R s^2 / (p (1 - p)), from 1 where outcomes on a start are independent to R where all agree
    effect = np.clip(episodes * spread / np.where(varies, largest, 1.0), 1.0, episodes)
    telling = np.where(varies, np.minimum((shares > 0).sum(axis=-1), (shares < 1).sum(axis=-1)), 0)
    effect = (LEAST_WEIGHT * episodes + telling * effect) / (LEAST_WEIGHT + telling)
    return Starts(rate, starts * episodes / effect)


def change_bounds(
    first: Starts, second: Starts, weights: Numbers | None = None, level: float | Numbers = 0.05
) -> Bounds:
    """Compute the interval of the rate on the second set minus that on the first.

    Args:
        first: The first set, one element for each cell or task.
        second: The second one.
        weights: Weights of independent tasks, of whose changes the weighted mean is meant; None for
            the interval of each element.
        level: 1 less the coverage, in (0, 1).
    """
    (low_1, high_1), (low_2, high_2) = (
        clopper_pearson(*starts, np.asarray(level) / 2) for starts in (first, second)
    )
    # L = d - sqrt((p_2 - l_2)^2 + (u_1 - p_1)^2), U = d + sqrt((u_2 - p_2)^2 + (p_1 - l_1)^2)
    below = np.hypot(second.rate - low_2, high_1 - first.rate)
    above = np.hypot(high_2 - second.rate, first.rate - low_1)
    change = second.rate - first.rate
    if weights is None:
        return Bounds(change - below, change + above)
    # of a sum w_1 d_1 + w_2 d_2 + ... the distances to the bounds are squared and added again
    mean, below, above = weights @ change, *(np.sqrt(weights**2 @ d**2) for d in (below, above))
    return Bounds(mean - below, mean + above)


def change_over_starts(
    first: Starts, second: Starts, weights: Numbers | None = None
) -> Differences:
    """Compare two sets of starts: `change_bounds`, and the p-value that belongs to them."""
    change: Numbers = second.rate - first.rate
    if weights is not None:
        change = np.asarray(weights @ change)
    bounds = change_bounds(first, second, weights)
    p = p_values(change, lambda level: change_bounds(first, second, weights, level))
    return Differences(change, *bounds, p)
