"""Intervals and tests against known values, scipy and their invariants."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import contingency_tables, multitest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from fmbench.report import statistics


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(50, 50, 0.9286524, 1.0), (8, 10, 0.4901625, 0.9433178), (0, 50, 0.0, 0.0713476)],
)
def test_wilson_interval_has_known_values(successes, n, low, high):
    assert statistics.wilson_interval(successes, n) == pytest.approx((low, high), abs=1e-6)


@given(n=st.integers(1, 300), data=st.data())
@settings(max_examples=50, deadline=None)
def test_wilson_interval_contains_the_rate_and_mirrors_failures(n, data):
    successes = data.draw(st.integers(0, n))
    low, high = statistics.wilson_interval(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    mirrored = statistics.wilson_interval(n - successes, n)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_wilson_interval_rejects_impossible_counts(successes, n):
    with pytest.raises(ValueError, match="0 <= successes <= n"):
        statistics.wilson_interval(successes, n)


def test_t_interval_matches_scipy():
    means = [0.91, 0.97, 0.88]
    expected = stats.t.interval(0.95, df=2, loc=np.mean(means), scale=stats.sem(means))
    assert statistics.t_interval(means) == pytest.approx(expected)


def test_t_interval_of_equal_seeds_is_as_wide_as_one_episode_allows():
    low, high = statistics.t_interval([1.0, 1.0, 1.0], resolution=1 / 50)
    half = stats.t.ppf(0.975, df=2) * 0.02 / np.sqrt(3)
    assert (low, high) == pytest.approx((1 - half, 1 + half))


def test_t_interval_rejects_one_seed():
    with pytest.raises(ValueError, match="at least two"):
        statistics.t_interval([0.9])


def test_mcnemar_counts_discordant_episodes_only():
    a = np.array([1, 1, 1, 1, 1, 1, 0, 1, 0], dtype=bool)
    b = np.array([0, 0, 0, 0, 0, 1, 1, 1, 0], dtype=bool)
    result = statistics.mcnemar_exact(a, b)
    assert (result.b, result.c) == (5, 1)
    assert result.p == pytest.approx(2 * (1 + 6) / 2**6)
    assert result.p == statistics.mcnemar_exact(b, a).p


def test_mcnemar_without_discordant_episodes_is_one():
    assert statistics.mcnemar_exact([True, False], [True, False]) == (0, 0, 1.0)


def test_mcnemar_rejects_unpaired_series():
    with pytest.raises(ValueError, match="one length"):
        statistics.mcnemar_exact([True], [True, False])


def test_holm_matches_a_known_example():
    adjusted = statistics.holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert statistics.holm([]).size == 0


@pytest.mark.parametrize("bad", [[0.1, 1.2], [float("nan")], [-0.1]])
def test_holm_rejects_invalid_p_values(bad):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        statistics.holm(bad)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # R's contingencytables, on a table of Cavo et al. 2012
        ((59, 6, 16, 80), -0.1186, -0.0046),
    ],
)
def test_newcombe_has_published_values(table, low, high):
    assert statistics.newcombe_interval(*table) == pytest.approx((low, high), abs=6e-5)


def test_newcombe_without_correlation_is_that_of_independent_rates():
    # ad - bc is between 0 and n / 2, so that phi is 0
    oracle = confint_proportions_2indep(50, 100, 60, 100, method="newcomb", compare="diff")
    assert statistics.newcombe_interval(30, 20, 30, 20) == pytest.approx(oracle, abs=1e-9)


@given(table=st.tuples(*[st.integers(0, 60)] * 4).filter(any))
@settings(max_examples=60, deadline=None)
def test_newcombe_contains_the_difference_and_mirrors(table):
    both, only_a, only_b, neither = table
    low, high = statistics.newcombe_interval(*table)
    assert -1 <= low <= (only_a - only_b) / sum(table) <= high <= 1
    assert low < high, "no interval has width zero"
    mirrored = statistics.newcombe_interval(both, only_b, only_a, neither)
    assert mirrored == pytest.approx((-high, -low), abs=1e-12)


@given(table=st.tuples(*[st.integers(0, 60)] * 4).filter(any))
@settings(max_examples=60, deadline=None)
def test_paired_interval_contains_newcombes_and_mirrors(table):
    both, only_a, only_b, neither = table
    low, high = statistics.paired_interval(*table)
    narrow = statistics.newcombe_interval(*table)
    assert low <= narrow.low < narrow.high <= high
    mirrored = statistics.paired_interval(both, only_b, only_a, neither)
    assert mirrored == pytest.approx((-high, -low), abs=1e-12)


def test_no_episode_that_separates_does_not_show_equality():
    narrow = statistics.newcombe_interval(25, 0, 0, 25)
    wide = statistics.paired_interval(25, 0, 0, 25)
    assert narrow.high < 0.05 < wide.high
    assert wide.high == pytest.approx(proportion_confint(0, 50, method="wilson")[1])
    assert statistics.paired_interval(59, 6, 16, 80) == pytest.approx((-0.1214, -0.0043), abs=0.003)


@pytest.mark.parametrize(("b", "c"), [(0, 3), (7, 2), (12, 12)])
def test_mcnemar_matches_statsmodels(b, c):
    a = np.array([True] * b + [False] * c + [True] * 5)
    other = np.array([False] * b + [True] * c + [True] * 5)
    oracle = contingency_tables.mcnemar([[5, b], [c, 0]], exact=True).pvalue
    assert statistics.mcnemar_exact(a, other).p == pytest.approx(min(oracle, 1.0))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_holm_matches_statsmodels(p_values):
    with mock.patch("gc.collect"):  # which it calls each time, and which takes long here
        oracle = multitest.multipletests(p_values, method="holm")[1]
    assert statistics.holm(p_values) == pytest.approx(oracle)


@pytest.mark.parametrize(("successes", "n"), [(0, 3), (48, 50), (100, 100)])
def test_wilson_matches_statsmodels(successes, n):
    oracle = proportion_confint(successes, n, method="wilson")
    assert statistics.wilson_interval(successes, n) == pytest.approx(oracle, abs=1e-9)
