"""Cumulative success over time: exact counts at every time, failures at infinity."""

import numpy as np

from fmbench.report.results import read_results
from fmbench.report.solved_by import SolvedBy, solved_by
from fmbench.report.statistics import wilson_interval
from fmbench.report.times import curve, headline_times
from tests.fmbench.fake_run import write_run
from tests.fmbench.report.page.small_runs import solved_run


def test_an_episode_counts_from_its_time_on_and_a_failure_never(tmp_path):
    results = solved_run(tmp_path, {"bc": [1.0, 2.0, 2.0, None], "flow": [4.0, None, None, None]})
    at, found = solved_by(results, "LiftCube", 5)
    assert at.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    shares = {cell.policy: solved.shares.tolist() for cell, solved in found.items()}
    assert shares == {"bc": [0.0, 0.25, 0.75, 0.75, 0.75], "flow": [0.0, 0.0, 0.0, 0.0, 0.25]}
    low, high = next(solved for cell, solved in found.items() if cell.policy == "bc").bounds()
    assert (low[1], high[1]) == wilson_interval(1, 4)
    assert (low[4], high[4]) == wilson_interval(3, 4)


def test_shares_are_those_of_the_static_figure(tmp_path):
    results = read_results(write_run(tmp_path, train_seeds=(0, 1, 2), episodes=17))
    task = "fmbench/LiftCube-v0"
    at, found = solved_by(results, task, 31)
    limit, times = headline_times(results)[task]
    assert list(found) == list(times)
    assert len(found) == 5
    for cell, table in times.items():
        ends, shares = curve(table.to_numpy(float), limit)
        expected = shares[np.searchsorted(ends, at + 1e-9, side="right") - 1]
        np.testing.assert_allclose(found[cell].shares, expected)
        low, high = found[cell].bounds()
        assert (low <= found[cell].shares).all()
        assert (found[cell].shares <= high).all()


def test_nothing_solved_has_no_times(tmp_path):
    at, found = solved_by(solved_run(tmp_path, {"bc": [None, None]}), "LiftCube", 5)
    assert not len(at)
    assert not found


def test_interval_at_the_limit_is_that_of_the_summary(tmp_path):
    results = read_results(write_run(tmp_path, train_seeds=(0, 1, 2), episodes=17))
    _, found = solved_by(results, "fmbench/LiftCube-v0", 9)
    for row in results.summary[results.summary["headline"]].itertuples():
        solved = next(found[cell] for cell in found if cell.policy == row.policy)
        low, high = solved.bounds()
        assert (float(low[-1]), float(high[-1])) == (row.low, row.high)


def test_equal_columns_have_equal_intervals():
    solved = SolvedBy(np.array([[0, 3, 3, 5], [0, 2, 2, 5]]), np.array([5, 5]))
    low, high = solved.bounds()
    assert low[1] == low[2]
    assert high[1] == high[2]
    assert (low[0], high[3]) == (0.0, 1.0)
