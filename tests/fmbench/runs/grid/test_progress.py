"""The progress of a grid's jobs: what still runs is not done, however long it takes."""

import itertools

import pytest

from fmbench.runs.grid.estimate import JobRow
from fmbench.runs.grid.progress import CERTAIN, JobsProgress, running_share


def row(work_s: float, seconds: float) -> JobRow:
    return JobRow("other", cells=1, work_s=work_s, seconds=seconds, processes=2, attempts=1)


def test_the_share_of_a_running_job_grows_and_never_reaches_its_end() -> None:
    times = [0.0, 1.0, 50.0, 79.9, 80.1, 90.0, 100.0, 150.0, 1000.0, 1e6]
    shares = [running_share(seconds, 100.0) for seconds in times]
    assert shares[:3] == [0.0, 0.01, 0.5]
    assert all(a < b < 1.0 for a, b in itertools.pairwise(shares))
    assert running_share(100 * CERTAIN + 1e-6, 100.0) == pytest.approx(CERTAIN)
    assert running_share(100.0, 100.0) == pytest.approx(0.9)


@pytest.mark.parametrize("overtime", [1.0, 3.0, 1000.0])
def test_work_is_done_only_when_the_last_job_has_ended(overtime: float) -> None:
    progress = JobsProgress({"a": 100.0, "b": 0.3}, 2, [row(10.0, 20.0)])
    assert (progress.total, progress.done()) == (100, 0)
    progress.end("a")
    progress.run({"b": 0.6 * overtime})
    assert progress.done() == 99
    assert progress.left() > 0.0
    progress.end("b")
    assert (progress.done(), progress.left()) == (100, 0.0)


def test_the_time_left_is_that_of_the_busiest_process_and_of_what_follows() -> None:
    works = {"a": 60.0, "b": 40.0, "c": 20.0, "d": 10.0}
    progress = JobsProgress(works, 2, [], later=15.0)
    assert progress.left() == pytest.approx(70 + 15)  # a and d beside b and c
    progress.run({"a": 30.0, "b": 20.0})
    assert progress.done() == 50
    assert progress.left() == pytest.approx(40 + 15)  # 30 and 10 beside 20 and 20
    twice = JobsProgress(works, 2, [row(10.0, 20.0)], later=15.0)
    assert twice.left() == pytest.approx(2 * (70 + 15))


def test_the_last_job_alone_takes_its_own_time() -> None:
    progress = JobsProgress({name: 100.0 for name in "abcdefgh"} | {"i": 50.0}, 8, [])
    for name in "abcdefgh":
        progress.end(name)
    progress.run({"i": 10.0})
    assert progress.left() == pytest.approx(40.0), "not a ninth of what the others took together"
