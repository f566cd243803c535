"""Changes from one set of starts to another: exact values, invariants and simulated coverage."""

import numpy as np
import pytest
from scipy import special
from statsmodels.stats.proportion import proportion_confint

from fmbench.report.over_starts import change_bounds, change_over_starts, starts_of

DESIGNS = [(1, 100), (3, 50), (5, 100), (10, 20)]
"""Training seeds and starts."""


def outcomes(solved: int, starts: int) -> np.ndarray:
    """Return outcomes of one checkpoint on so many starts."""
    return (np.arange(starts) < solved).astype(float)


def test_one_checkpoint_has_clopper_and_pearsons_intervals_squared_and_added() -> None:
    first, second = (starts_of(outcomes(solved, 50), 1) for solved in (40, 31))
    assert (float(first.effective), float(second.effective)) == (50, 50)
    (low_1, high_1), (low_2, high_2) = (
        proportion_confint(solved, 50, method="beta") for solved in (40, 31)
    )
    low, high = change_bounds(first, second)
    assert float(low) == pytest.approx(-0.18 - np.hypot(0.62 - low_2, high_1 - 0.8))
    assert float(high) == pytest.approx(-0.18 + np.hypot(high_2 - 0.62, 0.8 - low_1))


def test_checkpoints_that_agree_on_every_start_are_one() -> None:
    alike = starts_of(outcomes(30, 100), 5)
    assert float(alike.effective) == pytest.approx(100)
    assert float(starts_of(np.ones(100), 5).effective) == pytest.approx(100)
    mixed = starts_of(np.full(100, 0.4), 5)
    assert 400 < float(mixed.effective) < 500, "no start is harder than another"


def test_effective_episodes_follow_from_the_design_effect() -> None:
    shares = np.array([0.0, 0.5, 1.0, 1.0])
    p, spread = 0.625, np.var(shares, ddof=1)
    effect = min(max(2 * spread / (p * (1 - p)), 1), 2)
    moderated = (1 * 2 + 2 * effect) / (1 + 2)  # two starts tell something
    assert float(starts_of(shares, 2).effective) == pytest.approx(8 / moderated)


def test_swapped_sets_and_failures_mirror_the_change() -> None:
    generator = np.random.default_rng(0)
    shares = generator.binomial(5, generator.beta(2, 1, (2, 8, 60))) / 5
    first, second = (starts_of(values, 5) for values in shares)
    change, back = change_over_starts(first, second), change_over_starts(second, first)
    failures = change_over_starts(*(starts_of(1 - values, 5) for values in shares))
    for mirrored in (back, failures):
        assert mirrored.mean == pytest.approx(-change.mean)
        assert mirrored.low == pytest.approx(-change.high)
        assert mirrored.p == pytest.approx(change.p)
    assert (change.low <= change.mean).all()
    assert (change.mean <= change.high).all()
    assert ((change.p < 0.05) == ((change.low > 0) | (change.high < 0))).all()


def test_a_mean_of_one_task_is_that_task_and_of_equal_ones_is_narrower() -> None:
    first, second = (starts_of([outcomes(n, 80)], 3) for n in (60, 50))
    (alone,) = zip(*change_over_starts(first, second), strict=True)
    assert change_over_starts(first, second, np.ones(1)) == pytest.approx(alone)
    four = [starts_of([outcomes(n, 80)] * 4, 3) for n in (60, 50)]
    mean = change_over_starts(*four, np.full(4, 0.25))
    assert float(mean.mean) == pytest.approx(alone[0])
    assert float(mean.high - mean.low) == pytest.approx((alone[2] - alone[1]) / 2)


@pytest.mark.parametrize(("seeds", "starts"), DESIGNS)
def test_intervals_cover_no_change_where_starts_and_seeds_differ(seeds: int, starts: int) -> None:
    """Starts are hard for all seeds by `alike`, and seeds differ by 0.3 of the possible."""
    generator = np.random.default_rng([seeds, starts])
    for rate in (0.05, 0.5, 0.95):
        for alike in (0.0, 0.5, 0.95):
            spread = 0.3 * np.sqrt(rate * (1 - rate))
            rates = rate + spread * generator.standard_normal((1000, 1, seeds, 1))
            limits = special.ndtri(np.clip(rates, 1e-6, 1 - 1e-6))
            common = generator.standard_normal((1000, 2, 1, starts))
            own = generator.standard_normal((1000, 2, seeds, starts))
            solved = np.sqrt(alike) * common + np.sqrt(1 - alike) * own < limits
            first, second = (starts_of(solved[:, k].mean(axis=1), seeds) for k in (0, 1))
            low, high = change_bounds(first, second)
            covered = ((low <= 0) & (high >= 0)).mean()
            assert covered >= 0.94, (rate, alike)


def test_the_mean_over_tasks_covers_though_cells_of_a_task_are_alike() -> None:
    generator, weights = np.random.default_rng(3), np.array([0.5, 0.25, 0.25])
    rates = np.array([0.9, 0.5, 0.98])[:, None, None]
    difficulty = generator.standard_normal((1000, 2, 3, 1, 50))
    own = generator.standard_normal((1000, 2, 3, 6, 50))
    solved = np.sqrt(0.7) * difficulty + np.sqrt(0.3) * own < special.ndtri(rates)
    shares = solved.mean(axis=3)
    covered = 0
    for first, second in shares:
        low, high = change_bounds(starts_of(first, 6), starts_of(second, 6), weights)
        covered += bool(low <= 0 <= high)
    assert covered >= 940


@pytest.mark.parametrize(("shares", "runs"), [([], 1), ([0.5, 1.1], 2), ([0.5, -0.1], 2), ([0], 0)])
def test_impossible_outcomes_are_rejected(shares: list[float], runs: int) -> None:
    with pytest.raises(ValueError, match="need one"):
        starts_of(shares, runs)
