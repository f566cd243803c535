"""Times to success against closed answers."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from fmbench.report.over_time import curve, success_vs_time
from fmbench.report.results import Results, read_results
from fmbench.report.times import TimesRow, draw_times, limit_of, times_rows
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.fake_run import make_rows, write_episode_rows

PERIOD_S, LIMIT_STEPS = 0.04, 150
TEMPLATE = make_rows(episodes=1)[0][0]


def episodes(policy: str, steps: list[int | None], train_seed: int = 0) -> list[EpisodeRow]:
    """Return episodes that succeed after these control steps, or never."""
    return [
        dataclasses.replace(
            TEMPLATE,
            policy=policy,
            sampler="" if policy == "expert" else "direct",
            steps=0 if policy == "expert" else 1,
            train_seed=-1 if policy == "expert" else train_seed,
            episode_seed=k,
            success=count is not None,
            success_any=count is not None,
            success_end=count is not None,
            time_to_success_s=None if count is None else round(count * PERIOD_S, 6),
            length=LIMIT_STEPS if count is None else count,
        )
        for k, count in enumerate(steps)
    ]


def results_of(folder: Path, *rows: list[EpisodeRow]) -> Results:
    write_episode_rows(folder, [row for part in rows for row in part])
    return read_results(folder)


def test_a_failure_counts_as_the_limit_and_the_expert_is_the_unit(tmp_path: Path) -> None:
    expert, bc = [50, 60, 50, 60], [100, 120, None, None]
    results = results_of(tmp_path, episodes("expert", list(expert)), episodes("bc", bc))
    of_expert, row = times_rows(results)
    assert row.limit_s == pytest.approx(LIMIT_STEPS * PERIOD_S)
    assert row.mean_time_s == pytest.approx((100 + 120 + 150 + 150) / 4 * PERIOD_S)
    assert row.median_time_s == pytest.approx(120 * PERIOD_S)
    assert row.throughput == pytest.approx(55 / 130)
    assert (of_expert.throughput, of_expert.low, of_expert.high) == (1.0, 1.0, 1.0)
    # The mean is the area above the curve of successes, up to the limit.
    grid = np.arange(LIMIT_STEPS) + 0.5
    solved = [[count is not None and count <= u for count in bc] for u in grid]
    area = PERIOD_S * (1.0 - np.mean(solved, axis=1)).sum()
    assert row.mean_time_s == pytest.approx(area)


def test_the_curve_is_that_of_the_counted_successes(tmp_path: Path) -> None:
    never = np.inf
    times, shares = curve(np.array([[2.0, 1.0, never], [6.0, np.nan, 1.0]]), 6.0)
    assert times.tolist() == [0.0, 1.0, 1.0, 2.0, 6.0, 6.0]  # one in the last step
    assert shares.tolist() == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 0.8])
    bc = [100, 120, None, None]
    results = results_of(tmp_path, episodes("expert", [50] * 4), episodes("bc", list(bc)))
    (axes,) = success_vs_time(results).axes
    expert, line = axes.lines
    assert np.asarray(expert.get_xdata())[:2].tolist() == pytest.approx([0.0, 2.0])
    assert np.asarray(line.get_ydata()).tolist() == [0.0, 0.25, 0.5, 0.5]
    assert axes.get_xlim() == pytest.approx((0.0, 6.0))


def test_half_of_the_episodes_may_never_succeed(tmp_path: Path) -> None:
    rows = [episodes("expert", [50] * 3), episodes("bc", [60, None, None])]
    row = times_rows(results_of(tmp_path, *rows))[1]
    assert row.median_time_s is None
    assert limit_of(read_results(tmp_path).episodes.assign(time_to_success_s=None)) is None


def test_the_interval_is_paired_over_the_starts(tmp_path: Path) -> None:
    # Hard starts are slow for both: the ratio is the same on each, so that nothing is uncertain.
    expert = list(range(20, 70))
    paired = results_of(
        tmp_path / "paired",
        episodes("expert", [*expert]),
        episodes("bc", [2 * count for count in expert]),
    )
    row = times_rows(paired)[1]
    assert (row.low, row.high) == (pytest.approx(0.5), pytest.approx(0.5))
    other = [2 * count for count in reversed(expert)]
    row = times_rows(
        results_of(tmp_path / "other", episodes("expert", [*expert]), episodes("bc", [*other]))
    )[1]
    assert row.throughput == pytest.approx(0.5)
    assert row.low < 0.45 < 0.55 < row.high


def test_training_seeds_widen_the_interval_and_files_are_functions_of_the_rows(
    tmp_path: Path,
) -> None:
    fast, slow = episodes("bc", [40] * 30), episodes("bc", [80] * 30, train_seed=1)
    results = results_of(tmp_path, episodes("expert", [40] * 30), fast, slow)
    row = times_rows(results)[1]
    assert (row.train_seeds, row.throughput) == (2, pytest.approx(40 / 60))
    assert (row.low, row.high) == (pytest.approx(0.5), pytest.approx(1.0))
    (path,) = draw_times(results, tmp_path)
    before = path.read_bytes()
    assert [read.policy for read in read_rows(path, TimesRow)] == ["expert", "bc"]
    draw_times(read_results(tmp_path), tmp_path)
    assert path.read_bytes() == before
