"""Success over several tasks by delay, against means and intervals by hand."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fmbench.errors import FmbenchError
from fmbench.report.delay.draw import write_delay_tables
from fmbench.report.delay.over_tasks import DelayOverTasksRow, over_tasks
from fmbench.report.delay.rows import DelayRow, delay_rows
from fmbench.report.grid.delay import delay_headline, draw_delays_of_runs
from fmbench.report.looks import OF_CATALOGUE
from fmbench.report.results import read_results
from fmbench.report.strata import SMOOTHING, half_width, share_variance, variance_of_mean
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import key_of
from tests.fmbench.report.test_delays import run_with_delays
from tests.fmbench.small_run import files_of


def row(task: str, seeds: tuple[float, ...], delay: int = 0, **values: Any) -> DelayRow:
    """Return a row of flow with 100 episodes of each seed."""
    known: dict[str, Any] = {field.name: None for field in dataclasses.fields(DelayRow)}
    known |= {
        "task": task, "policy": "flow", "sampler": "euler", "steps": 10, "execution": "hold",
        "delay": delay, "headline": True, "train_seeds": len(seeds), "episodes": 100 * len(seeds),
        "success_rate": float(np.mean(seeds)), "low": 0.1, "high": 0.9,
        "seed_rates": " ".join(map(repr, seeds)),
    }  # fmt: skip
    return DelayRow(**{**known, **values})


def test_means_and_intervals_have_tasks_as_strata() -> None:
    a, b = (0.9, 0.5, 0.7), (0.4, 0.2, 0.0)
    (found,) = over_tasks([row("A", a), row("B", b)])
    assert (found.tasks, found.train_seeds, found.headline) == (2, 3, True)
    assert found.success_rate == pytest.approx(0.45)
    # both variances between the seeds are 0.04, so that there are 4 degrees of freedom
    half = stats.t.ppf(0.975, 4) * np.sqrt(2 * 0.04 / 3) / 2
    assert (found.low, found.high) == pytest.approx((0.45 - half, 0.45 + half))


def test_what_some_task_lacks_has_no_row_and_a_broken_cell_no_interval() -> None:
    rows = [row("A", (0.5,)), row("B", (0.5,)), row("A", (0.5,), 4), row("B", (0.5,), low=None)]
    assert [r.delay for r in over_tasks(rows[:3])] == [0]
    (found,) = over_tasks([rows[0], rows[3]])
    assert (found.low, found.high) == (None, None)


def test_seeds_that_agree_have_the_variance_of_their_episodes() -> None:
    share = (10 + SMOOTHING) / (10 + 2 * SMOOTHING)
    assert share_variance(10, 10) == pytest.approx(share * (1 - share) / 11)
    assert variance_of_mean([1.0, 1.0], share_variance(10, 10)) == share_variance(10, 10) / 2
    assert variance_of_mean([0.0, 1.0], share_variance(10, 10)) == pytest.approx(0.25)
    assert half_width([0.04], [2]) == pytest.approx(stats.t.ppf(0.975, 2) * 0.2)
    assert half_width([0.04], [0]) == pytest.approx(stats.t.ppf(0.975, 1) * 0.2)


def test_the_headline_has_a_line_for_each_execution_and_delay() -> None:
    common = {"headline": "true", "tasks": "6", "low": "0.5", "high": "0.75"}
    rows = [
        {**common, "policy": policy, "execution": execution, "delay": delay, "success_rate": "0.6"}
        for policy, execution, delay in [
            *(("bc", "ensemble", "0"), ("bc", "hold", "8"), ("bc", "hold", "2")),
            *(("flow", "rtc", "2"), ("flow", "hold", "2")),
        ]
    ]
    rows[-1] |= {"low": "", "high": ""}
    rows.append({**rows[0], "headline": "false", "delay": "9"})
    table = delay_headline("Title", rows, OF_CATALOGUE)
    assert table.policies == ("flow", "bc")
    assert table.lines == (
        (("hold", "2"), ("60.0*", "60.0 (50–75)")),
        (("hold", "8"), ("", "60.0 (50–75)")),
        (("rtc", "2"), ("60.0 (50–75)", "")),
        (("ensemble", "0"), ("", "60.0 (50–75)")),
    )
    assert "the mean over 6 tasks" in table.meaning


def test_the_tables_of_several_tasks_have_the_rows_of_each(tmp_path: Path) -> None:
    tasks = ("fmbench/LiftCube-v0", "fmbench/TurnDial-v0")
    run = run_with_delays(tmp_path, (2, 4), tasks=tasks, train_seeds=(0, 1), episodes=6)
    out = tmp_path / "out"
    paths = draw_delays_of_runs([run], out)
    first = files_of(out)
    assert (
        {path.relative_to(out).as_posix() for path in paths}
        == set(first)
        == {
            *("delays.csv", "delays_over_tasks.csv", "delays.md", "delay.png"),
        }
    )
    rows = read_rows(out / "delays.csv", DelayRow)
    assert rows == read_rows(one_run(run) / "delays.csv", DelayRow)
    means = read_rows(out / "delays_over_tasks.csv", DelayOverTasksRow)
    assert len(rows) == 2 * len(means)
    for mean in means:
        of_tasks = [r.success_rate for r in rows if (*r.method, r.delay) == key_of(mean)]
        assert mean.success_rate == pytest.approx(np.mean(of_tasks), abs=1e-5)
    draw_delays_of_runs([run], out)
    assert files_of(out) == first
    with pytest.raises(FmbenchError, match="only equal rows of expert and random may repeat"):
        draw_delays_of_runs([run, Path(shutil.copytree(run, tmp_path / "again"))], out)


def one_run(run: Path) -> Path:
    """Write the tables of a run, and return its folder."""
    results = read_results(run)
    write_delay_tables(delay_rows(results), results, run)
    return run


def test_of_one_task_there_are_its_own_numbers() -> None:
    (found,) = over_tasks([row("A", (0.9, 0.5, 0.7))])
    assert (found.success_rate, found.low, found.high) == (pytest.approx(0.7), 0.1, 0.9)
