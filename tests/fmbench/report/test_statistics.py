"""Intervals and tests against known values, scipy and their invariants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

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


def test_paired_t_matches_scipy():
    a, b = np.array([0.91, 0.97, 0.88, 0.9]), np.array([0.85, 0.93, 0.89, 0.8])
    result = statistics.paired_t(a, b)
    assert result.p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert result.mean == pytest.approx(np.mean(a - b))
    assert result.low < result.mean < result.high


@pytest.mark.parametrize(("gap", "is_significant"), [(0.0, False), (0.02, False), (0.9, True)])
def test_paired_t_needs_more_than_one_episode_of_difference(gap, is_significant):
    result = statistics.paired_t([1.0] * 3, [1.0 - gap] * 3, resolution=1 / 50)
    assert (result.p < 0.05) is is_significant


def test_paired_t_without_resolution_decides_equal_differences():
    assert statistics.paired_t([0.5, 0.5], [0.5, 0.5]).p == 1.0
    assert statistics.paired_t([0.75, 0.75], [0.5, 0.5]).p == 0.0


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


def test_paired_difference_is_a_function_of_its_generator():
    generator = np.random.default_rng(3)
    a, b = generator.random(40) < 0.8, generator.random(40) < 0.5
    first = statistics.paired_difference(a, b, np.random.default_rng(0))
    again = statistics.paired_difference(a, b, np.random.default_rng(0))
    assert first[:3] == again[:3]
    assert first.low < first.mean < first.high
    assert first.mean == pytest.approx(a.mean() - b.mean())


def test_paired_difference_of_equal_differences_has_no_bounds():
    result = statistics.paired_difference([1, 1, 1], [0, 0, 0], np.random.default_rng(0))
    assert result.mean == 1.0
    assert np.isnan([result.low, result.high]).all()
