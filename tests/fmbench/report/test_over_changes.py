"""Intervals of what a condition changes for the same checkpoints: exact values and invariants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fmbench.report import over_seeds
from fmbench.report.over_changes import change_bounds, change_over_seeds, changes_of
from fmbench.report.over_seeds import difference_bounds, seeds_of

COUNTS = st.tuples(st.integers(2, 6), st.integers(1, 100)).flatmap(
    lambda shape: st.tuples(
        st.lists(
            st.tuples(st.integers(0, shape[1]), st.integers(0, shape[1])).filter(
                lambda pair: sum(pair) <= shape[1]
            ),
            min_size=shape[0],
            max_size=shape[0],
        ),
        st.just(shape[1]),
    )
)


def test_interval_is_put_together_from_those_of_gained_and_lost() -> None:
    gained, lost, episodes = [3, 5, 1], [20, 30, 16], 100
    found = change_bounds(changes_of(gained, lost, episodes))
    g, loss = 0.03, 0.22
    changes = (np.array(gained) - np.array(lost)) / episodes
    observed = changes.var(ddof=1) * episodes / (g + loss - (g - loss) ** 2)
    moderated = (5 * (1 + 99 * 0.25**2) + 2 * observed) / 7
    effective = 300 / (moderated * (stats.t.ppf(0.975, 7) / stats.norm.ppf(0.975)) ** 2)

    def exact(rate: float) -> tuple[float, float]:
        return (
            stats.beta.ppf(0.025, rate * effective, (1 - rate) * effective + 1),
            stats.beta.ppf(0.975, rate * effective + 1, (1 - rate) * effective),
        )

    (low_g, high_g), (low_l, high_l) = exact(g), exact(loss)
    rho = -np.sqrt(g * loss / ((1 - g) * (1 - loss)))
    below = [g - low_g, high_l - loss]
    above = [high_g - g, loss - low_l]
    low, high = (
        g - loss + sign * np.sqrt(a**2 + b**2 - 2 * rho * a * b)
        for sign, (a, b) in ((-1, below), (1, above))
    )
    assert (float(found.low), float(found.high)) == pytest.approx((low, high))


def test_equal_seeds_of_many_episodes_have_the_normal_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(over_seeds, "LEAST_SPREAD", 0.0)
    monkeypatch.setattr(over_seeds, "LEAST_WEIGHT", 1e9)
    n, gained, lost = 200_000, 0.05, 0.15
    bounds = change_bounds(changes_of([gained * n] * 2, [lost * n] * 2, n))
    error = np.sqrt((gained + lost - (gained - lost) ** 2) / (2 * n))
    assert float(bounds.high + 0.1) == pytest.approx(1.96 * error, rel=0.01)
    assert float(-0.1 - bounds.low) == pytest.approx(1.96 * error, rel=0.01)


@given(COUNTS)
@settings(max_examples=60, deadline=None)
def test_interval_contains_the_change_and_mirrors(given_counts) -> None:
    pairs, episodes = given_counts
    gained, lost = np.transpose(pairs)
    changes = changes_of(gained, lost, episodes)
    found = change_over_seeds(changes)
    assert -1 - 1e-9 <= found.low <= found.mean <= found.high <= 1 + 1e-9
    low, high = map(float, change_bounds(changes_of(lost, gained, episodes)))
    assert [-high, -low] == pytest.approx([float(found.low), float(found.high)], abs=1e-9)
    excludes = bool((found.low > 0) | (found.high < 0))
    assert excludes == (float(found.p) < 0.05)
    wider = change_bounds(changes, 0.99)
    assert wider.low <= found.low
    assert found.high <= wider.high


def test_what_both_conditions_solve_makes_the_interval_narrower_than_that_of_two_methods() -> None:
    gained, lost, both = np.array([1, 2, 0]), np.array([8, 10, 9]), np.array([60, 80, 50])
    low, high = change_bounds(changes_of(gained, lost, 100))
    apart = difference_bounds(seeds_of(gained + both, 100), seeds_of(lost + both, 100))
    assert high - low < 0.7 * (apart.high - apart.low)


def test_no_difference_is_never_certainty() -> None:
    found = change_over_seeds(changes_of([0, 0, 0], [0, 0, 0], 100))
    assert found.p == 1
    assert -0.1 < found.low < -0.05
    assert found.high == -found.low


@pytest.mark.parametrize(
    ("gained", "lost"), [([1], [2]), ([1, 2], [1, 2, 3]), ([6, 0], [5, 0]), ([-1, 2], [0, 0])]
)
def test_impossible_counts_are_rejected(gained: list[int], lost: list[int]) -> None:
    with pytest.raises(ValueError, match="need"):
        changes_of(gained, lost, 10)
