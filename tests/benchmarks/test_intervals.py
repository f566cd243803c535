"""The committed coverage of intervals and error rates of verdicts, recomputed in part."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fmbench.report.over_seeds import interval_over_seeds, seeds_of
from tests.benchmarks import changes, checkpoints, intervals, intervals_text

RESULTS = Path(__file__).parents[2] / "results" / "intervals"
COVERAGE, VERDICTS, CHECKPOINTS, CHANGES = (
    pd.read_csv(RESULTS / f"{name}.csv")
    for name in ("coverage", "verdicts", "checkpoints", "changes")
)


def test_committed_coverage_keeps_its_promise() -> None:
    promised = COVERAGE[COVERAGE["in_range"]]
    assert set(promised["seeds_differ"]) == {"beta", "uniform"}
    assert (promised["spread"].max(), promised["rate"].min()) == (0.3, 0.02)
    assert set(promised["seeds"]) == {3, 4, 5, 7, 10}
    assert set(promised["episodes"]) == {50, 100, 200}
    assert promised["coverage"].min() >= 0.93
    assert (promised["width"] / promised["t_width"]).mean() <= 1.5
    assert (promised["t_coverage"] < 0.93).any(), "the t interval does not keep it"
    assert (~COVERAGE["in_range"]).any()


def test_committed_verdicts_are_seldom_wrong() -> None:
    for table in (VERDICTS, CHECKPOINTS):
        wrong = intervals.wrong(table)
        assert wrong[["ahead or behind", "within the margin", "equivalent"]].max().max() <= 0.05
        assert wrong.notna().any().all()


@pytest.mark.parametrize("place", [2, 187, 301, 420, len(COVERAGE) - 1])
def test_cells_of_the_coverage_are_computed_again(place: int) -> None:
    cell = intervals.coverage_cells()[place]
    again = pd.DataFrame([intervals.coverage_of(cell)])
    pd.testing.assert_frame_equal(
        again, COVERAGE.iloc[[place]].reset_index(drop=True), check_dtype=False
    )


def test_committed_changes_of_the_same_checkpoints_keep_their_promise() -> None:
    assert len(CHANGES) == len(changes.change_cells())
    assert CHANGES["coverage"].min() >= 0.94
    assert (CHANGES["width"] / CHANGES["apart_width"]).mean() <= 0.85
    unchanged = CHANGES[CHANGES["gained"] == CHANGES["lost"]]
    assert unchanged["significant"].max() <= 0.07, "500 tables a cell: five standard errors"
    place = 437
    again = pd.DataFrame([changes.changes_in(changes.change_cells()[place])])
    pd.testing.assert_frame_equal(again, CHANGES.iloc[[place]].reset_index(drop=True))


def test_cells_of_the_verdicts_are_computed_again() -> None:
    methods = pd.DataFrame([intervals.verdicts_of(intervals.verdict_cells()[40])])
    pd.testing.assert_frame_equal(methods, VERDICTS.iloc[[40]].reset_index(drop=True))
    pair = pd.DataFrame([checkpoints.verdicts_of_checkpoints(checkpoints.checkpoint_cells()[9])])
    pd.testing.assert_frame_equal(pair, CHECKPOINTS.iloc[[9]].reset_index(drop=True))


@pytest.mark.parametrize("rate", [0.02, 0.35])
def test_simulated_coverage_is_that_of_all_outcomes(rate: float) -> None:
    """Three seeds that do not differ: every outcome with its probability."""
    counts = np.array(list(itertools.combinations_with_replacement(range(51), 3)))
    orders = np.array([6, 3, 3, 1])[
        (counts[:, 0] == counts[:, 1]) * 1 + (counts[:, 1] == counts[:, 2]) * 2
    ]
    shares = orders * stats.binom.pmf(counts, 50, rate).prod(axis=1)
    assert shares.sum() == pytest.approx(1.0)
    low, high = interval_over_seeds(seeds_of(counts, 50))
    exact = shares[(low <= rate) & (rate <= high)].sum()
    row = COVERAGE[(COVERAGE["seeds_differ"] == "beta") & (COVERAGE["spread"] == 0)]
    row = row[(row["rate"] == rate) & (row["seeds"] == 3) & (row["episodes"] == 50)]
    assert row["coverage"].item() == pytest.approx(exact, abs=0.005)
    assert row["width"].item() == pytest.approx(float((shares * (high - low)).sum()), abs=0.002)


def test_committed_text_is_that_of_the_tables() -> None:
    text = intervals_text.coverage_markdown(
        COVERAGE, intervals.wrong(VERDICTS), intervals.wrong(CHECKPOINTS), VERDICTS
    )
    assert text == (RESULTS / "coverage.md").read_text(encoding="utf-8")
