"""Interval of what a condition changes for the same checkpoints, over their training seeds.

Each training seed acts under two conditions, say without and with a delay, on the same episodes. An
episode tells something where its two outcomes differ: it is gained or lost. As in
`fmbench.report.over_seeds` the training seeds are the sample and episodes are never pooled: seeds
differ in what they gain and lose by more than their episodes explain, this dispersion is estimated
in the same moderated way, and the episodes divided by it are the effective ones. On these the
shares of episodes gained and lost have intervals of Clopper and Pearson, and their difference is
put together from both as Zou (2008, doi:10.1002/sim.3095) does it for dependent proportions.
`results/intervals/changes.csv` has its coverage.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fmbench.report.over_seeds import (
    Bounds,
    Differences,
    Numbers,
    clopper_pearson,
    p_values,
    paid_for,
)


class Changes(NamedTuple):
    """What the training seeds of a method say of two conditions; one element for each method."""

    gained: Numbers
    """Mean share of episodes that only the second condition solves, in [0, 1]."""
    lost: Numbers
    """Mean share that only the first one solves."""
    dispersion: Numbers
    """Variance of the seeds' changes, divided by that of equal seeds."""
    seeds: int
    episodes: int
    """Episodes of each seed."""

    @property
    def mean(self) -> Numbers:
        """Success rate under the second condition minus that under the first."""
        return self.gained - self.lost


def changes_of(gained: ArrayLike, lost: ArrayLike, episodes: int) -> Changes:
    """Reduce the counts of methods to what the interval needs.

    Args:
        gained: (..., seeds) episodes of each training seed, at least two, that only the second
            condition solves.
        lost: Those that only the first one solves, of the same shape.
        episodes: Episodes of each seed, at least 1 and no fewer than a seed has gained and lost.

    Raises:
        ValueError: There are fewer than two seeds, or counts are impossible.
    """
    more, fewer = (np.asarray(counts, dtype=np.float64) for counts in (gained, lost))
    if more.shape != fewer.shape or more.ndim == 0 or more.shape[-1] < 2:
        raise ValueError(
            f"shapes of gained and lost are {more.shape} and {fewer.shape}; need the same, with "
            "two training seeds"
        )
    if episodes < 1 or min(more.min(), fewer.min()) < 0 or (more + fewer).max() > episodes:
        raise ValueError(
            f"up to {(more + fewer).max():g} of {episodes} episodes are gained or lost; need "
            "counts of at least 0, of no more than all episodes"
        )
    share_gained, share_lost = (counts.mean(axis=-1) / episodes for counts in (more, fewer))
    # Var(d) = (g + l - (g - l)^2) / n where seeds are equal
    expected = (share_gained + share_lost - (share_gained - share_lost) ** 2) / episodes
    varies = expected > 1e-12
    ratio = ((more - fewer) / episodes).var(axis=-1, ddof=1) / np.where(varies, expected, 1.0)
    dispersion = np.where(varies, ratio, 1.0)
    return Changes(share_gained, share_lost, dispersion, more.shape[-1], episodes)


def change_bounds(changes: Changes, confidence: float | Numbers = 0.95) -> Bounds:
    """Compute the interval of the change of a success rate, for each method.

    Args:
        changes: The methods.
        confidence: Coverage, in (0, 1).
    """
    gained, lost, spread, seeds, episodes = changes
    effective = seeds * episodes / paid_for(spread, seeds, episodes, confidence)
    tail = (1 - confidence) / 2
    (low_g, high_g), (low_l, high_l) = (clopper_pearson(x, effective, tail) for x in (gained, lost))
    # rho = -sqrt(g l / ((1 - g) (1 - l))): an episode that is gained is not lost
    rest = np.maximum((1 - gained) * (1 - lost), 1e-12)
    rho = -np.minimum(np.sqrt(gained * lost / rest), 1.0)

    def distance(a: Numbers, b: Numbers) -> Numbers:
        return np.asarray(np.sqrt(a**2 + b**2 - 2 * rho * a * b))

    # L = d - sqrt((g - l_g)^2 + (u_l - l)^2 - 2 rho (g - l_g) (u_l - l)); U likewise
    return Bounds(
        changes.mean - distance(gained - low_g, high_l - lost),
        changes.mean + distance(high_g - gained, lost - low_l),
    )


def change_over_seeds(changes: Changes) -> Differences:
    """Compare both conditions: `change_bounds` at 95 %, and the p-value that belongs to them.

    Args:
        changes: The methods.

    Returns:
        The changes; p is the smallest level at which the interval excludes 0, at least 1e-12.
    """
    p = p_values(changes.mean, lambda level: change_bounds(changes, 1 - level))
    return Differences(changes.mean, *change_bounds(changes), p)
