"""Intervals and tests for success rates.

One trained policy has a Wilson interval over its episodes. A method trained with several seeds has
a t interval over its seed means; episodes are never pooled over training seeds. Two trained
policies are compared on common episode seeds by the exact McNemar test, two methods by a paired t
test over training seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class McNemar(NamedTuple):
    """An exact McNemar test of two policies on the same episodes."""

    b: int
    """Episodes where A succeeded and B failed."""
    c: int
    """Episodes where B succeeded and A failed."""
    p: float
    """Two-sided p-value, in [0, 1]."""


class Difference(NamedTuple):
    """The mean of A minus the mean of B, with its interval and the p-value of a test, if any."""

    mean: float
    low: float
    high: float
    p: float


def wilson_interval(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Compute the Wilson score interval of a success rate (Wilson 1927).

    Args:
        successes: Number of successes, in 0..n.
        n: Number of episodes, at least 1.
        confidence: Coverage, in (0, 1).

    Raises:
        ValueError: If the counts are impossible.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(
            f"successes is {successes} of n = {n}; need 0 <= successes <= n and n >= 1"
        )
    result = stats.binomtest(int(successes), int(n)).proportion_ci(confidence, method="wilson")
    return Interval(float(result.low), float(result.high))


def t_interval(
    seed_means: Sequence[float] | NDArray[np.float64],
    confidence: float = 0.95,
    resolution: float = 0.0,
) -> Interval:
    """Compute the t interval of the mean over training seeds.

    Args:
        seed_means: One mean per training seed, at least two.
        confidence: Coverage, in (0, 1).
        resolution: Smallest standard deviation that the measurement can resolve. For success
            rates over n episodes it is 1 / n: three seeds with 50/50 are known to about one
            episode each, not exactly.

    Raises:
        ValueError: If there are fewer than two seeds.
    """
    means = np.asarray(seed_means, dtype=np.float64)
    half = stats.t.ppf(0.5 + confidence / 2, df=means.size - 1) * _standard_error(means, resolution)
    mean = float(means.mean())
    return Interval(mean - float(half), mean + float(half))


def paired_t(
    seed_means_a: ArrayLike,
    seed_means_b: ArrayLike,
    confidence: float = 0.95,
    resolution: float = 0.0,
) -> Difference:
    """Test the mean difference of two methods trained with the same seeds (paired t).

    Args:
        seed_means_a: Means of method A, one per training seed, at least two.
        seed_means_b: Means of method B, for the same seeds in the same order.
        confidence: Coverage of the interval, in (0, 1).
        resolution: As in `t_interval`.

    Raises:
        ValueError: If the shapes differ or there are fewer than two seeds.
    """
    differences = _paired(seed_means_a, seed_means_b)
    interval = t_interval(differences, confidence, resolution)
    mean = float(differences.mean())
    error = _standard_error(differences, resolution)
    if error == 0:
        p = 1.0 if mean == 0 else 0.0
    else:
        p = 2 * float(stats.t.sf(abs(mean) / error, df=differences.size - 1))
    return Difference(mean, interval.low, interval.high, p)


def mcnemar_exact(successes_a: ArrayLike, successes_b: ArrayLike) -> McNemar:
    """Test whether two policies succeed equally often on the same episodes (McNemar 1947, exact).

    Only episodes that exactly one policy solves are informative: under the null hypothesis
    b ~ Binomial(b + c, 1/2). Without such episodes, p is 1.

    Args:
        successes_a: (n,) bool, policy A on each episode seed.
        successes_b: (n,) bool, policy B on the same episode seeds in the same order.

    Raises:
        ValueError: If the shapes differ or there is no episode.
    """
    differences = _paired(successes_a, successes_b)
    b, c = int(np.sum(differences > 0)), int(np.sum(differences < 0))
    p = float(stats.binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0
    return McNemar(b, c, p)


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values for the number of tests in one table (Holm 1979, step-down).

    Args:
        p_values: (m,) p-values in [0, 1].

    Returns:
        (m,) adjusted p-values in the given order.

    Raises:
        ValueError: If a value is not in [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"p-values are {p.tolist()}; they must be in [0, 1]")
    order = np.argsort(p, kind="stable")
    # p~_(i) = max_{j <= i} min(1, (m - j + 1) p_(j)), j = 1..m
    scaled = np.minimum(1.0, p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(scaled)
    return adjusted


def paired_difference(
    values_a: ArrayLike,
    values_b: ArrayLike,
    generator: np.random.Generator,
    confidence: float = 0.95,
    resamples: int = 4000,
) -> Difference:
    """Bootstrap the mean difference of two policies over common episodes (percentile interval).

    Args:
        values_a: (n,) values of policy A, one per episode seed.
        values_b: (n,) values of policy B on the same episode seeds.
        generator: Source of the resampling.
        confidence: Coverage of the interval, in (0, 1).
        resamples: Number of bootstrap samples.

    Returns:
        The difference; p is NaN, since this is not a test. If all n differences are equal, so are
        all resamples: the bounds are then NaN rather than a spurious interval of width zero.

    Raises:
        ValueError: If the shapes differ or there is no episode.
    """
    differences = _paired(values_a, values_b)
    mean = float(differences.mean())
    if np.all(differences == differences[0]):
        return Difference(mean, np.nan, np.nan, np.nan)
    drawn = generator.integers(differences.size, size=(resamples, differences.size))
    tail = (1 - confidence) / 2
    low, high = np.quantile(differences[drawn].mean(axis=1), [tail, 1 - tail])
    return Difference(mean, float(low), float(high), np.nan)


def _paired(values_a: ArrayLike, values_b: ArrayLike) -> NDArray[np.float64]:
    """Return the differences A - B of two series of equal, positive length."""
    a, b = np.asarray(values_a, dtype=np.float64), np.asarray(values_b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or a.size == 0:
        raise ValueError(
            f"shapes are {a.shape} and {b.shape}; need two non-empty series of one length"
        )
    return a - b


def _standard_error(means: NDArray[np.float64], resolution: float) -> float:
    """Return the standard error of a mean over seeds; the deviation is at least `resolution`."""
    if means.ndim != 1 or means.size < 2:
        raise ValueError(f"number of seed means is {means.size}; need at least two training seeds")
    return max(float(means.std(ddof=1)), resolution) / float(np.sqrt(means.size))
