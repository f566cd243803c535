"""Intervals over training seeds: exact values and invariants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from fmbench.report import over_seeds
from fmbench.report.over_seeds import (
    difference_bounds,
    difference_over_seeds,
    interval_over_seeds,
    is_beyond_range,
    seeds_of,
)

COUNTS = st.tuples(st.integers(2, 10), st.integers(1, 200)).flatmap(
    lambda shape: st.tuples(
        st.lists(st.integers(0, shape[1]), min_size=shape[0], max_size=shape[0]),
        st.just(shape[1]),
    )
)


def test_dispersion_is_the_variance_over_that_of_equal_seeds() -> None:
    seeds = seeds_of([[10, 20, 30], [0, 0, 0], [1, 0, 0], [100, 100, 100]], 100)
    expected = np.var([0.1, 0.2, 0.3], ddof=1) / (0.2 * 0.8 / 100)
    assert seeds.dispersion == pytest.approx([expected, 1.0, 1.0, 1.0], abs=0.01)
    assert seeds.rate == pytest.approx([0.2, 0.0, 1 / 300, 1.0])


def test_without_least_spread_and_doubt_it_is_clopper_and_pearsons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of seeds that deviate as equal ones do, and with a quantile of infinitely many of them."""
    monkeypatch.setattr(over_seeds, "LEAST_SPREAD", 0.0)
    monkeypatch.setattr(over_seeds, "LEAST_WEIGHT", 1e9)
    for counts in ([0, 0, 0], [3, 1, 2, 0], [40, 45, 50], [50, 50]):
        bounds = interval_over_seeds(seeds_of(counts, 50))
        oracle = proportion_confint(sum(counts), 50 * len(counts), method="beta")
        assert (float(bounds.low), float(bounds.high)) == pytest.approx(oracle, abs=1e-6)


def test_interval_is_clopper_and_pearsons_on_the_effective_episodes() -> None:
    bounds = interval_over_seeds(seeds_of([88, 95, 93], 100))
    rate = 0.92
    observed = np.var([0.88, 0.95, 0.93], ddof=1) * 100 / (rate * (1 - rate))
    moderated = (5 * (1 + 99 * 0.25**2) + 2 * observed) / 7
    effective = 300 / (moderated * (stats.t.ppf(0.975, 7) / stats.norm.ppf(0.975)) ** 2)
    low = stats.beta.ppf(0.025, rate * effective, (1 - rate) * effective + 1)
    high = stats.beta.ppf(0.975, rate * effective + 1, (1 - rate) * effective)
    assert (float(bounds.low), float(bounds.high)) == pytest.approx((low, high))


@given(COUNTS)
@settings(max_examples=60, deadline=None)
def test_interval_contains_the_rate_and_mirrors_failures(given_counts) -> None:
    counts, episodes = given_counts
    seeds = seeds_of(counts, episodes)
    low, high = map(float, interval_over_seeds(seeds))
    assert 0 <= low <= seeds.rate <= high <= 1
    solved, total = sum(counts), episodes * len(counts)
    exact = stats.binomtest(solved, total).proportion_ci(method="exact")
    assert high - low > exact.high - exact.low, "more than the chance of episodes is unknown"
    mirrored = map(float, interval_over_seeds(seeds_of(episodes - np.array(counts), episodes)))
    assert [1 - bound for bound in mirrored] == pytest.approx([high, low], abs=1e-9)
    wider = interval_over_seeds(seeds, 0.99)
    assert wider.low <= low
    assert high <= wider.high


@pytest.mark.parametrize(("counts", "episodes"), [([5], 10), ([5, 11], 10), ([-1, 2], 10)])
def test_impossible_counts_are_rejected(counts, episodes) -> None:
    with pytest.raises(ValueError, match=r"need (two training seeds|0 <= successes)"):
        seeds_of(counts, episodes)


def test_seeds_that_learn_or_fail_altogether_are_beyond_the_range() -> None:
    seeds = seeds_of([[100, 100, 0], [90, 92, 95], [100, 100, 100], [90, 60, 20]], 100)
    assert is_beyond_range(seeds).tolist() == [True, False, False, True]
    low, high = interval_over_seeds(seeds_of([100, 100, 0], 100))
    assert high - low > 0.95, "their own spread decides, with two degrees of freedom"


def test_difference_of_checkpoints_squared_and_added_is_newcombes() -> None:
    """The same combination of bounds as in statsmodels, there of Wilson's."""
    a, b = (proportion_confint(k, 80, method="wilson") for k in (56, 40))
    low = 0.2 - np.hypot(0.7 - a[0], b[1] - 0.5)
    high = 0.2 + np.hypot(a[1] - 0.7, 0.5 - b[0])
    oracle = confint_proportions_2indep(56, 80, 40, 80, method="newcomb", compare="diff")
    assert (low, high) == pytest.approx(oracle, abs=1e-9)
    seeds_a, seeds_b = (seeds_of(counts, 100) for counts in ([70, 75, 65], [50, 55, 45]))
    (low_a, high_a), (low_b, high_b) = map(interval_over_seeds, (seeds_a, seeds_b))
    bounds = difference_bounds(seeds_a, seeds_b)
    assert float(bounds.low) == pytest.approx(0.2 - np.hypot(0.7 - low_a, high_b - 0.5))
    assert float(bounds.high) == pytest.approx(0.2 + np.hypot(high_a - 0.7, 0.5 - low_b))


def test_p_is_the_level_at_which_the_interval_excludes_no_difference() -> None:
    a, b = seeds_of([95, 92, 97], 100), seeds_of([70, 61, 75], 100)
    found = difference_over_seeds(a, b)
    assert 1e-4 < found.p < 0.05
    assert float(difference_bounds(a, b, 1 - found.p).low) == pytest.approx(0.0, abs=1e-7)
    reverse = difference_over_seeds(b, a)
    assert (reverse.p, reverse.low, reverse.high) == pytest.approx(
        (found.p, -found.high, -found.low)
    )
    assert difference_over_seeds(a, a).p == 1.0


def test_equal_seeds_without_spread_do_not_show_equality() -> None:
    """Two one-sided t tests of three equal rates would have p = 0."""
    solved = seeds_of([100, 100, 100], 100)
    low, high = difference_bounds(solved, solved)
    assert low < -0.05 < 0.05 < high
    few = seeds_of([3] * 10, 3)
    assert difference_bounds(few, few).high > 0.05
    assert difference_bounds(seeds_of([100] * 5, 100), seeds_of([100] * 5, 100)).high < 0.05
