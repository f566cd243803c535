"""Mean, inter-quartile mean, performance profile and probability of improvement over tasks.

The quantities are those of Agarwal et al. 2021 (arXiv:2108.13264) and their library rliable. Each
is a function of scores: the success rates of every task and training seed. Their intervals are
those of a bootstrap that is stratified by task and has two levels: the training seeds of a task are
drawn with replacement, then the episodes of each drawn seed. Tasks are fixed. `results/intervals/`
has the coverage.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fmbench.report.over_seeds import Bounds

RESAMPLES = 2000
TRIMMED = 0.25
"""Share of the scores that the inter-quartile mean leaves out on either side."""

Numbers = NDArray[np.float64]


class Scores(NamedTuple):
    """Counts of one policy."""

    successes: NDArray[np.int64]
    """(tasks, seeds), each in 0..episodes."""
    episodes: NDArray[np.int64]
    """(tasks, seeds), each at least 1."""

    @property
    def rates(self) -> Numbers:
        """Success rates, (tasks, seeds), in [0, 1]."""
        return self.successes / self.episodes


def scores_of(successes: ArrayLike, episodes: ArrayLike) -> Scores:
    """Check counts and return them as the scores of a policy.

    Args:
        successes: (tasks, seeds) successes, or (tasks, seeds, episodes) outcomes if bool.
        episodes: (tasks, seeds) episodes, or a number for all.

    Raises:
        ValueError: The shape is another one, or a count is impossible.
    """
    counts = np.asarray(successes)
    if counts.dtype == np.bool_ and counts.ndim == 3:
        counts = counts.sum(axis=-1)
    if counts.ndim != 2 or counts.size == 0:
        raise ValueError(f"shape of the successes is {counts.shape}; need (tasks, seeds)")
    of_seed = np.broadcast_to(np.asarray(episodes, dtype=np.int64), counts.shape)
    if of_seed.min() < 1 or counts.min() < 0 or (counts > of_seed).any():
        raise ValueError(
            f"successes are {counts.min():g} to {counts.max():g} of {of_seed.min()} to "
            f"{of_seed.max()} episodes; need 0 <= successes <= episodes and episodes >= 1"
        )
    return Scores(counts.astype(np.int64), of_seed)


def resample(scores: Scores, generator: np.random.Generator, resamples: int = RESAMPLES) -> Numbers:
    """Draw bootstrap samples of a policy's scores.

    Drawing n episodes with replacement among n with k successes gives Binomial(n, k / n) successes,
    so that the counts are all it needs. One training seed leaves only its episodes to draw.

    Args:
        scores: The policy.
        generator: The samples are a function of its state.
        resamples: Number of samples, at least 1.

    Returns:
        (resamples, tasks, seeds) success rates in [0, 1].
    """
    tasks, seeds = scores.successes.shape
    drawn = generator.integers(seeds, size=(resamples, tasks, seeds))
    task = np.arange(tasks)[:, np.newaxis]
    episodes = scores.episodes[task, drawn]
    return generator.binomial(episodes, scores.rates[task, drawn]) / episodes


def mean(rates: Numbers) -> Numbers:
    """Return the mean over tasks and seeds: (..., tasks, seeds) to (...)."""
    return np.asarray(rates.mean(axis=(-2, -1)))


def interquartile_mean(rates: Numbers) -> Numbers:
    """Return the mean of the middle half of all task-seed scores: (..., tasks, seeds) to (...)."""
    scores = np.sort(rates.reshape(*rates.shape[:-2], -1), axis=-1)
    cut = int(TRIMMED * scores.shape[-1])
    return np.asarray(scores[..., cut : scores.shape[-1] - cut].mean(axis=-1))


def profile(rates: Numbers, thresholds: Numbers) -> Numbers:
    """Return the share of task-seed scores above each threshold.

    Args:
        rates: (..., tasks, seeds).
        thresholds: (n,), ascending.

    Returns:
        (..., n), each in [0, 1] and falling along the last axis.
    """
    scores = rates.reshape(-1, rates.shape[-2] * rates.shape[-1])
    samples, bins = len(scores), len(thresholds) + 1
    passed = np.searchsorted(thresholds, scores, side="left")  # thresholds that a score is above
    places = passed + bins * np.arange(samples)[:, np.newaxis]
    counts = np.bincount(places.ravel(), minlength=samples * bins).reshape(samples, bins)
    above = counts[:, :0:-1].cumsum(axis=1)[:, ::-1]
    return np.asarray((above / scores.shape[1]).reshape(*rates.shape[:-2], len(thresholds)))


def probability_of_improvement(rates_a: Numbers, rates_b: Numbers) -> Numbers:
    """Return how probably a training seed of A scores above one of B, averaged over the tasks.

    Equal scores count one half, as in the Mann-Whitney statistic.

    Args:
        rates_a: (..., tasks, seeds of A).
        rates_b: (..., tasks, seeds of B), the same tasks in the same order.
    """
    a, b = rates_a[..., :, np.newaxis], rates_b[..., np.newaxis, :]
    # mean over tasks of P(X > Y) + P(X = Y) / 2 = (1 + P(X > Y) - P(X < Y)) / 2
    above, below = (_share(found) for found in (a > b, a < b))
    return np.asarray((1 + above - below) / 2)


def _share(found: NDArray[np.bool_]) -> Numbers:
    """Return the share over the last three axes; faster than their mean, and equal to it."""
    flat = found.reshape(*found.shape[:-3], -1)
    return np.asarray(np.count_nonzero(flat, axis=-1) / flat.shape[-1])


def bounds(observed: Numbers, samples: Numbers, seeds: int, confidence: float = 0.95) -> Bounds:
    """Return the interval of a quantity in [0, 1] from its bootstrap samples.

    The quantiles are moved so that the mean of the samples is the observed value. Scores have the
    chance of their episodes in them already, and drawing episodes once more blurs them: a
    probability of improvement is nearer to one half in every sample than in the population, and
    plain quantiles miss it the more often, the more seeds and tasks there are. Deviations are
    multiplied by sqrt(S / (S - 1)), since drawing from S seeds varies less than seeds do.

    Args:
        observed: (...), the quantity of the observed scores.
        samples: (resamples, ...), that of every bootstrap sample.
        seeds: Training seeds S of each task, at least 1; of one seed nothing is multiplied.
        confidence: Nominal coverage, in (0, 1).
    """
    factor = np.sqrt(seeds / (seeds - 1)) if seeds > 1 else 1.0
    # low = observed + sqrt(S / (S - 1)) (q_low - mean), high likewise; both in [0, 1]
    low, high = observed + factor * (_quantiles(samples, confidence) - samples.mean(axis=0))
    return _around(observed, low, high)


def profile_bounds(observed: Numbers, samples: Numbers, confidence: float = 0.95) -> Bounds:
    """Return the band of a profile: plain quantiles, which fall along the thresholds as it does.

    A profile jumps at every score. Drawing episodes makes these jumps gradual, which is no bias: a
    band around the observed value would jump with it.

    Args:
        observed: (thresholds,), the profile of the observed scores.
        samples: (resamples, thresholds), that of every bootstrap sample.
        confidence: Nominal coverage of each threshold alone, in (0, 1).
    """
    low, high = _quantiles(samples, confidence)
    return _around(observed, low, high)


def _quantiles(samples: Numbers, confidence: float) -> Numbers:
    """Return both quantiles, (2, ...)."""
    tail = (1 - confidence) / 2
    return np.asarray(np.quantile(samples, [tail, 1 - tail], axis=0))


def _around(observed: Numbers, low: Numbers, high: Numbers) -> Bounds:
    """Return bounds in [0, 1] that have the observed value between them."""
    return Bounds(
        np.clip(np.minimum(low, observed), 0.0, 1.0), np.clip(np.maximum(high, observed), 0.0, 1.0)
    )
