"""Retention over several tasks: averages and intervals by hand, coverage, order, marks, files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from fmbench.report.disturbances.of_runs import _merged
from fmbench.report.disturbances.retention import (
    RetentionRow,
    retention_interval,
    retention_rows,
)
from fmbench.report.disturbances.retention_figure import draw_retention
from fmbench.report.disturbances.rows import Arms
from fmbench.report.grid.disturbances import retention_headline
from fmbench.report.grid.headline import latex
from fmbench.report.looks import OF_CATALOGUE
from fmbench.report.outcomes import SummaryKey
from fmbench.report.strata import SMOOTHING

N = 20


def arms(*rates: tuple[int, int]) -> Arms:
    """Return arms of N episodes, given successes without and with disturbance of each seed."""
    one = Arms([], [], [])
    for plain, disturbed in rates:
        one.episodes.append(np.arange(N))
        one.plain.append(np.arange(N) < plain)
        one.disturbed.append(np.arange(N) < disturbed)
    return one


def cell(task: str, policy: str = "flow") -> SummaryKey:
    steps = {"flow": 16, "bc": 1, "expert": 0}[policy]
    sampler = {"flow": "euler", "bc": "direct", "expert": ""}[policy]
    return SummaryKey(task, policy, sampler, steps)


def row_of(rows: list[RetentionRow], policy: str, perturb: str = "mass=2") -> RetentionRow:
    (row,) = [row for row in rows if (row.policy, row.perturb) == (policy, perturb)]
    return row


EASY, HARD = arms((20, 18), (18, 14)), arms((16, 4), (14, 6))
SOUND, BROKEN = arms((20, 20)), arms((20, 15))


def test_rates_are_averaged_over_tasks_before_they_are_divided() -> None:
    found = retention_rows({(cell("A"), "mass=2"): EASY, (cell("B"), "mass=2"): HARD})
    row = row_of(found, "flow")
    assert (row.tasks, row.train_seeds, row.ranks) == (2, 2, True)
    assert row.plain_rate == pytest.approx((0.95 + 0.75) / 2)
    assert row.disturbed_rate == pytest.approx((0.8 + 0.25) / 2)
    assert row.retention == pytest.approx((0.8 + 0.25) / (0.95 + 0.75))


def test_the_interval_of_seeds_is_that_of_a_ratio_estimator() -> None:
    parts = [arms((20, 20), (20, 0)), arms((10, 10), (10, 0))]
    low, high = retention_interval(parts)
    # R = 0.75 / 1.5; d - R p is +-0.5 and +-0.25, so its variances are 1/2 and 1/8, over 2 seeds
    v = np.array([0.5, 0.125]) / 2
    freedom = v.sum() ** 2 / (v**2).sum()
    half = stats.t.ppf(0.975, freedom) * np.sqrt(v.sum()) / 1.5
    assert (low, high) == (max(0.0, 0.5 - half), pytest.approx(0.5 + half))


def test_the_interval_of_one_seed_is_that_of_its_episodes() -> None:
    low, high = retention_interval([arms((20, 10))])
    counts = np.array([10, 10, 0, 0]) + SMOOTHING
    values = np.repeat([0.5, -0.5, 1.0, 0.0], (2 * counts).astype(int))
    half = stats.t.ppf(0.975, N - 1) * values.std() / np.sqrt(counts.sum())
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half))
    low, high = retention_interval([arms((20, 20), (20, 20))])
    assert low < 1 < high


@pytest.mark.parametrize("deviation", [0.02, 0.15])
def test_the_interval_covers_the_retention_of_the_population(deviation: float) -> None:
    rng, n, hits, trials = np.random.default_rng(0), 50, 0, 300
    rates = np.array([[0.9, 0.8], [0.8, 0.6], [0.7, 0.3], [0.75, 0.7]])
    truth = (rates[:, 0] * rates[:, 1]).sum() / rates[:, 0].sum()
    for _ in range(trials):
        parts = []
        for base in rates:
            part = Arms([], [], [])
            for plain, kept in rng.normal(base, deviation * (1 - base), size=(3, 2)).clip(0, 1):
                part.plain.append(rng.random(n) < plain)
                part.disturbed.append(part.plain[-1] & (rng.random(n) < kept))
            parts.append(part)
        low, high = retention_interval(parts)
        hits += low <= truth <= high
    assert hits >= 0.93 * trials


def test_tasks_on_which_the_expert_breaks_are_left_out_for_all_policies() -> None:
    found = {
        (cell("A", "expert"), "mass=2"): SOUND,
        (cell("A"), "mass=2"): EASY,
        (cell("A", "bc"), "mass=2"): arms((6, 3)),
        (cell("B", "expert"), "mass=2"): BROKEN,
        (cell("B"), "mass=2"): HARD,
        (cell("B", "bc"), "mass=2"): EASY,
    }
    rows = retention_rows(found)
    assert [(row.policy, row.tasks, row.broken_tasks, row.ranks) for row in rows] == [
        (policy, 1, 1, True) for policy in ("expert", "flow", "bc")
    ]
    assert row_of(rows, "flow").retention == pytest.approx(16 / 19)
    bc = row_of(rows, "bc")
    assert (bc.retention, bc.low, bc.high) == (None, None, None)
    assert bc.disturbed_rate == pytest.approx(0.15)
    left = {key: both for key, both in found.items() if key[0].task == "B"}
    assert [(row.tasks, row.ranks) for row in retention_rows(left)] == [(1, False)] * 3


def test_a_broken_cell_has_no_retention() -> None:
    key = (cell("A"), "mass=2")
    (row,) = retention_rows({key: EASY}, frozenset({key}))
    assert (row.retention, row.low) == (None, None)


def test_disturbances_of_the_runs_keep_their_order_whatever_a_task_lacks() -> None:
    assert _merged([["a", "c"], ["a", "b", "c", "d"], ["b", "d", "e"]]) == list("abcde")
    assert _merged([[], ["b", "a"], ["a", "b"]]) == ["b", "a"]


def text_rows() -> list[dict[str, str]]:
    common = {"sampler": "", "steps": "1", "plain_rate": "0.8", "train_seeds": "3"}
    values = [
        ("obs-noise=0.1", "flow", "12", "0", "true", "0.75", "0.7", "0.8"),
        ("obs-noise=0.1", "bc", "12", "0", "true", "", "", ""),
        ("mass=2", "flow", "10", "2", "true", "0.5", "0.4", "0.6"),
        ("mass=2", "expert", "10", "2", "true", "1.0", "0.9", "1.1"),
        ("size=2", "flow", "1", "1", "false", "0.25", "0.1", "0.4"),
    ]
    names = ("perturb", "policy", "tasks", "broken_tasks", "ranks", "retention", "low", "high")
    return [{**common, "disturbed_rate": "0.3", **dict(zip(names, v, strict=True))} for v in values]


def test_the_headline_has_a_line_for_each_disturbance_the_expert_last() -> None:
    table = headline = retention_headline("Title", text_rows(), OF_CATALOGUE)
    assert table.policies == ("flow", "bc", "expert")
    assert table.lines == (
        (("obs-noise=0.1", "12"), ("0.75 (0.70–0.80)", "0.30°", "")),
        (("mass=2", "10 of 12"), ("0.50 (0.40–0.60)", "", "1.00 (0.90–1.10)")),
        (("size=2 ‡", "1"), ("0.25 (0.10–0.40)", "", "")),
    )
    assert r"size=2 \ddag{} & 1 & 0.25 (0.10--0.40) &  &  \\" in latex(headline)


def test_a_cell_of_the_figure_has_retention_or_the_rate_and_its_mark() -> None:
    rows = [
        *retention_rows({(cell("A"), "mass=2"): EASY, (cell("A", "bc"), "mass=2"): arms((6, 3))}),
        *retention_rows({(cell("B", "expert"), "size=2"): BROKEN, (cell("B"), "size=2"): HARD}),
    ]
    figure = draw_retention(rows, OF_CATALOGUE)
    texts = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"0.84", "0.15°", "0.33", "tasks"} <= texts
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["mass=2", "size=2"]
    hatched = [c for c in figure.axes[0].collections if c.get_hatch()]
    assert len(hatched) == 2
    assert "ranks nobody" in figure.legends[0].get_texts()[0].get_text()
