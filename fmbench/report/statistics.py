"""Intervals and tests for success rates.

One trained policy has a Wilson interval over its episodes. Two trained policies are compared on
common episode seeds by the exact McNemar test and Newcombe's interval of the difference. Methods,
which have several training seeds, are in `fmbench.report.over_seeds`. All are functions of counts.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # scipy.stats takes half a second to import


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
    return _wilson(int(successes), int(n), float(confidence))


@functools.lru_cache(maxsize=10_000)
def _wilson(successes: int, n: int, confidence: float) -> Interval:
    z = float(special.ndtri(0.5 + confidence / 2))
    rate = successes / n
    centre = (2 * n * rate + z**2) / (2 * (n + z**2))
    half = z / (2 * (n + z**2)) * math.sqrt(4 * n * rate * (1 - rate) + z**2)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Interval(low if successes > 0 else 0.0, high if successes < n else 1.0)


def t_interval(
    seed_means: Sequence[float] | NDArray[np.float64],
    confidence: float = 0.95,
    resolution: float = 0.0,
) -> Interval:
    """Compute the t interval of the mean over training seeds.

    Args:
        seed_means: One mean per training seed, at least two.
        confidence: Coverage, in (0, 1).
        resolution: Smallest standard deviation that the measurement can resolve; 1 / n for shares
            of n samples.

    Raises:
        ValueError: If there are fewer than two seeds.
    """
    means = np.asarray(seed_means, dtype=np.float64)
    quantile = float(special.stdtrit(means.size - 1, 0.5 + confidence / 2))
    half = quantile * _standard_error(means, resolution)
    mean = float(means.mean())
    return Interval(mean - float(half), mean + float(half))


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
    return McNemar(b, c, min(1.0, 2 * float(special.bdtr(min(b, c), b + c, 0.5))))


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


def paired_interval(
    both: int, only_a: int, only_b: int, neither: int, confidence: float = 0.95
) -> Interval:
    """Compute the interval of the rate of A minus that of B on the same episodes.

    It is Newcombe's, but no narrower than the bounds of the shares of episodes that only one
    solved, also squared and added. These matter where hardly any episode separates two policies
    that solve some and fail some: without them, two checkpoints that differ by 5 points would be
    found equivalent on 50 episodes in 7 % of cases.

    Args:
        both: Number of episodes that both solved.
        only_a: Those that only A solved.
        only_b: Those that only B solved.
        neither: Those that neither solved.
        confidence: Coverage, in (0, 1).

    Raises:
        ValueError: If there is no episode.
    """
    n = both + only_a + only_b + neither
    low, high = newcombe_interval(both, only_a, only_b, neither, confidence)
    (low_a, high_a), (low_b, high_b) = (wilson_interval(k, n, confidence) for k in (only_a, only_b))
    share_a, share_b = only_a / n, only_b / n
    return Interval(
        min(low, share_a - share_b - _square_and_add(share_a - low_a, high_b - share_b)),
        max(high, share_a - share_b + _square_and_add(high_a - share_a, share_b - low_b)),
    )


def newcombe_interval(
    both: int, only_a: int, only_b: int, neither: int, confidence: float = 0.95
) -> Interval:
    """Compute Newcombe's interval of the difference of two rates on the same episodes.

    It is method 10 of Newcombe 1998 (Statistics in Medicine 17, 2635): the Wilson intervals of
    both, squared and added, less what their correlation phi explains. Arguments as in
    `paired_interval`.
    """
    n = both + only_a + only_b + neither
    low_a, high_a = wilson_interval(both + only_a, n, confidence)
    low_b, high_b = wilson_interval(both + only_b, n, confidence)
    rate_a, rate_b = (both + only_a) / n, (both + only_b) / n
    phi = _phi(both, only_a, only_b, neither)
    return Interval(
        rate_a - rate_b - _square_and_add(rate_a - low_a, high_b - rate_b, phi),
        rate_a - rate_b + _square_and_add(high_a - rate_a, rate_b - low_b, phi),
    )


def _phi(both: int, only_a: int, only_b: int, neither: int) -> float:
    """Return the correlation of two binary series, with Newcombe's continuity correction."""
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return 0.0
    product, half = both * neither - only_a * only_b, (both + only_a + only_b + neither) / 2
    # phi = (max(ad - bc - n / 2, 0) if ad > bc else ad - bc) / sqrt(product of the margins)
    corrected = max(product - half, 0.0) if product > 0 else product
    return float(corrected / np.sqrt(float(margins)))


def _square_and_add(x: float, y: float, phi: float = 0.0) -> float:
    """Return sqrt(x^2 - 2 phi x y + y^2)."""
    return float(np.sqrt(max(x * x - 2 * phi * x * y + y * y, 0.0)))


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
