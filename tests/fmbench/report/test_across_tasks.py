"""Comparisons over tasks: exact values, rliable's, invariances."""

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rliable import metrics

from fmbench.report.across_tasks.bootstrap import (
    bounds,
    interquartile_mean,
    mean,
    probability_of_improvement,
    profile,
    profile_bounds,
    resample,
    scores_of,
)
from fmbench.report.across_tasks.table import (
    THRESHOLDS,
    AcrossTasks,
    AcrossTasksRow,
    Method,
    across_tasks,
)
from fmbench.report.across_tasks.text import across_tasks_markdown
from fmbench.report.draw import draw_all
from fmbench.report.looks import Looks
from fmbench.report.matrix import draw
from fmbench.report.matrix.draw import draw_matrix
from fmbench.report.results import read_results
from fmbench.storage.episode_files import read_episodes
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.fake_run import write_episode_rows, write_run
from tests.fmbench.report.test_matrix import TASKS, make_run

COUNTS = st.tuples(st.integers(1, 4), st.integers(1, 5)).flatmap(
    lambda shape: st.lists(
        st.lists(st.integers(0, 6), min_size=shape[1], max_size=shape[1]),
        min_size=shape[0],
        max_size=shape[0],
    )
)


def test_small_cases_are_exact() -> None:
    rates = np.array([[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]])
    assert mean(rates) == pytest.approx(0.5)
    assert interquartile_mean(rates) == pytest.approx((0.2 + 0.4 + 0.6 + 0.8) / 4)
    assert interquartile_mean(rates[:, :1]) == pytest.approx(0.3), "too few to leave one out"
    assert profile(rates, np.array([0.0, 0.4, 0.99])).tolist() == [5 / 6, 3 / 6, 1 / 6]
    a, b = np.array([[0.5, 0.7], [0.1, 0.1]]), np.array([[0.5, 0.6, 0.9], [0.1, 0.1, 0.1]])
    # first task: 0.5 wins 0 and ties 1 of 3, 0.7 wins 2 of 3; second task: ties alone
    assert probability_of_improvement(a, b) == pytest.approx((2.5 / 6 + 0.5) / 2)


def test_outcomes_of_episodes_are_counted() -> None:
    outcomes = np.zeros((2, 3, 4), dtype=np.bool_)
    outcomes[1, 2, :3] = True
    scores = scores_of(outcomes, 4)
    assert scores.successes.tolist() == [[0, 0, 0], [0, 0, 3]]
    assert scores.rates[1, 2] == 0.75
    for wrong, episodes in (([1, 2], 4), ([[5]], 4), ([[-1]], 4), ([[0]], 0), ([[]], 4)):
        with pytest.raises(ValueError, match="successes"):
            scores_of(wrong, episodes)


@given(COUNTS, st.data())
@settings(max_examples=60)
def test_quantities_are_those_of_rliable(counts: list[list[int]], data: st.DataObject) -> None:
    rates = scores_of(counts, 6).rates
    seeds = data.draw(st.integers(1, 4))
    rows = st.lists(st.integers(0, 6), min_size=seeds, max_size=seeds)
    others = data.draw(st.lists(rows, min_size=len(rates), max_size=len(rates)))
    other = scores_of(others, 6).rates
    assert mean(rates) == pytest.approx(metrics.aggregate_mean(rates.T))
    assert interquartile_mean(rates) == pytest.approx(metrics.aggregate_iqm(rates.T))
    expected = [np.mean([rate > x for row in rates for rate in row]) for x in THRESHOLDS]
    assert profile(rates, THRESHOLDS) == pytest.approx(expected)
    improvement = probability_of_improvement(rates, other)
    assert improvement == pytest.approx(metrics.probability_of_improvement(rates.T, other.T))
    assert probability_of_improvement(other, rates) == pytest.approx(1 - improvement)


def test_interval_is_around_the_observed_value_and_widened_for_few_seeds() -> None:
    samples = np.linspace(0.2, 0.4, 1001)
    assert bounds(np.asarray(0.5), samples, 1) == pytest.approx((0.405, 0.595))
    wide = 0.095 * np.sqrt(3 / 2)
    assert bounds(np.asarray(0.5), samples, 3) == pytest.approx((0.5 - wide, 0.5 + wide))
    assert bounds(np.asarray(1.0), samples, 1) == pytest.approx((0.905, 1.0)), "no rate is above 1"
    skewed = np.array([0.0] + [1.0] * 99)
    assert bounds(np.asarray(0.7), skewed, 1).low <= 0.7
    both = bounds(np.array([0.5, 0.6]), np.stack([samples, samples], axis=1), 1)
    assert both.high - both.low == pytest.approx([0.19, 0.19])


def test_band_of_a_profile_falls_with_it_and_has_it_inside() -> None:
    rates = scores_of([[3, 9, 17], [20, 14, 20], [0, 1, 0]], 20)
    observed = profile(rates.rates, THRESHOLDS)
    samples = profile(resample(rates, np.random.default_rng(4)), THRESHOLDS)
    low, high = profile_bounds(observed, samples)
    for falling in (observed, low, high):
        assert np.all(np.diff(falling) <= 0)
    assert np.all((low <= observed) & (observed <= high))
    assert low == pytest.approx(np.minimum(np.quantile(samples, 0.025, axis=0), observed))


def test_interval_of_an_improvement_does_not_move_towards_one_half() -> None:
    rates = np.full((21, 5), 0.95)
    found = scores_of(np.rint(rates * 100), 100), scores_of(np.rint(rates * 100) - 2, 100)
    drawn = [resample(scores, np.random.default_rng(place)) for place, scores in enumerate(found)]
    observed = probability_of_improvement(*(scores.rates for scores in found))
    samples = probability_of_improvement(*drawn)
    assert observed == 1.0
    assert np.quantile(samples, 0.975) < 0.9, "the plain interval does not have the observed value"
    assert bounds(observed, samples, 5).high == 1.0


def test_seeds_are_drawn_and_then_their_episodes() -> None:
    seeds = mean(resample(scores_of([[0, 10]], 10), np.random.default_rng(1), 40_000))
    values, counts = np.unique(seeds, return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    assert counts / 40_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.01)
    episodes = mean(resample(scores_of([[1]], 2), np.random.default_rng(2), 40_000))
    values, counts = np.unique(episodes, return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    assert counts / 40_000 == pytest.approx([0.25, 0.5, 0.25], abs=0.01)


def test_counts_resample_like_the_episodes_themselves() -> None:
    rng = np.random.default_rng(3)
    outcomes = rng.random((2, 3, 8)) < np.array([[[0.9], [0.5], [0.4]], [[0.2], [0.3], [0.6]]])
    plain = np.empty((6000, 2, 3))
    for sample, task, place in itertools.product(range(6000), range(2), range(3)):
        drawn = outcomes[task, rng.integers(3)]
        plain[sample, task, place] = drawn[rng.integers(8, size=8)].mean()
    ours = resample(scores_of(outcomes, 8), rng, 40_000)
    for quantity in (mean, interquartile_mean):
        a, b = quantity(plain), quantity(ours)
        assert [a.mean(), a.std()] == pytest.approx([b.mean(), b.std()], abs=0.006)
        assert np.quantile(a, [0.1, 0.5, 0.9]) == pytest.approx(
            np.quantile(b, [0.1, 0.5, 0.9]), abs=0.025
        )


def test_tasks_are_fixed_not_sampled() -> None:
    scores = scores_of([[0, 0, 0], [50, 50, 50], [50, 50, 50]], 50)
    drawn = resample(scores, np.random.default_rng(0), 500)
    assert np.all(mean(drawn) == pytest.approx(2 / 3)), "seeds do not differ, tasks do"


def changed(run: Path, change: Callable[[EpisodeRow], EpisodeRow | None]) -> Path:
    rows = map(change, read_episodes(run).rows)
    write_episode_rows(run, [row for row in rows if row])
    return run


def compared(*runs: Path) -> AcrossTasks | None:
    return across_tasks([read_results(run) for run in runs], lambda method: method)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write empty figures, for tests of tables."""
    for name in ("render_matrix", "render_across_tasks"):
        monkeypatch.setattr(draw, name, lambda *_: b"")


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path / name, name) for name in ("mlp", "unet")]


def test_order_and_other_policies_do_not_matter(runs: list[Path], tmp_path: Path) -> None:
    first = compared(*runs)
    assert first is not None
    assert first.tasks == tuple(sorted(TASKS))
    assert compared(*runs[::-1]) == first
    rows = read_episodes(runs[0]).rows
    write_episode_rows(runs[0], rows[::-1])
    assert compared(*runs) == first
    alone = compared(changed(runs[0], lambda row: row if row.policy != "bc" else None))
    assert alone is not None
    assert list(alone.rows) == [
        row for row in first.rows if row.backbone == "mlp" and "bc" not in (row.policy, row.against)
    ]


def test_rows_hold_every_quantity(runs: list[Path]) -> None:
    found = compared(*runs)
    assert found is not None
    assert len(found.rows) == 2 * (3 * (2 + len(THRESHOLDS)) + 3), "backbones, policies, pairs"
    assert {(row.tasks, row.train_seeds, row.episodes) for row in found.rows} == {(2, 2, 20)}
    assert all(0 <= row.low <= row.high <= 1 and 0 <= row.value <= 1 for row in found.rows)
    shares = [r.value for r in found.rows if r.quantity == "profile" and r.policy == "flow"]
    assert shares[: len(THRESHOLDS)] == sorted(shares[: len(THRESHOLDS)], reverse=True)
    episodes = read_results(runs[0]).episodes
    of_flow = episodes[(episodes["policy"] == "flow") & (episodes["steps"] == 10)]
    (row,) = [r for r in found.rows if r.method == Method("mlp", "flow", "euler", 10)
              and r.quantity == "mean"]  # fmt: skip
    assert row.value == pytest.approx(of_flow["success"].astype(float).mean())


@pytest.mark.usefixtures("no_figures")
def test_a_policy_without_all_tasks_and_seeds_is_named_and_left_out(
    runs: list[Path], tmp_path: Path
) -> None:
    def lost(row: EpisodeRow) -> EpisodeRow | None:
        missing = (("bc", TASKS[0], 0), ("bc", TASKS[0], 1), ("flow", TASKS[1], 1))
        return None if (row.policy, row.task, row.train_seed) in missing else row

    def fail(row: EpisodeRow) -> EpisodeRow:
        if (row.policy, row.task) != ("bc", TASKS[0]):
            return row
        failed = {"success": False, "success_any": False, "success_end": False}
        return dataclasses.replace(row, **failed, time_to_success_s=None, error="NaN")

    found = compared(changed(runs[0], lost), changed(runs[1], fail))
    assert found is not None
    reasons = {
        (method.policy, method.backbone): reason for method, reason in found.left_out.items()
    }
    assert reasons == {
        ("bc", "mlp"): f"not run on {TASKS[0]}",
        ("flow", "mlp"): "1 or 2 training seeds, depending on the task",
        ("bc", "unet"): f"broken on {TASKS[0]}",
    }
    left = {(row.policy, row.backbone) for row in found.rows}
    assert left == {("diffusion", "mlp"), ("flow", "unet"), ("diffusion", "unet")}
    text = draw_matrix(runs, tmp_path / "out", formats=())[1].read_text()
    assert f"- Not included: bc, mlp (not run on {TASKS[0]})." in text


def test_files_are_a_function_of_the_rows_and_the_section_says_what_it_is(
    runs: list[Path], tmp_path: Path
) -> None:
    written = draw_matrix(runs, tmp_path / "out")
    again = draw_matrix(runs, tmp_path / "again")
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]
    rows = read_rows(written[3], AcrossTasksRow)
    text = written[1].read_text()
    section = text.partition("## Across 2 tasks\n")[2].partition("\n## Notes\n")[0]
    row = next(r for r in rows if (r.policy, r.backbone, r.quantity) == ("bc", "unet", "mean"))
    (line,) = [line for line in section.splitlines() if line.startswith("| bc, unet |")]
    assert f"| direct | {row.value:.3f} ({row.low:.2f}–{row.high:.2f}) |" in line
    for told in (
        "2 tasks (",
        "2 training seeds x 20 test episodes",
        "95 % bootstrap interval of 2,000 resamples, stratified by task",
        "The tasks are fixed, not sampled",
        "With few training seeds these intervals can be too narrow",
    ):
        assert told in section
    assert written[4].read_bytes().startswith(b"\x89PNG")


def test_one_training_seed_is_only_a_checkpoint(runs: list[Path]) -> None:
    for run in runs:
        changed(run, lambda row: row if row.train_seed < 1 else None)
    found = compared(*runs)
    assert found is not None
    text = "\n".join(across_tasks_markdown(found, Looks(), {}))
    assert "1 training seed x 20 test episodes" in text
    assert "One training seed: only its episodes are drawn." in text
    assert "too narrow" not in text


@pytest.mark.usefixtures("no_figures")
def test_nothing_is_drawn_of_one_task(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("across_tasks.csv", "across_tasks.png"):
        (tmp_path / "out" / name).write_text("of an earlier call")
    for run in runs:
        changed(run, lambda row: row if row.task == TASKS[0] else None)
    written = draw_matrix(runs, tmp_path / "out")
    assert [path.name for path in written] == [
        *("matrix.csv", "matrix.md", "matrix.png", "comparisons.csv")
    ]
    assert "Across" not in written[1].read_text()
    assert set((tmp_path / "out").iterdir()) == set(written)


@pytest.fixture
def no_other_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmbench.report.draw.drawable", lambda _: [])


def section(text: str) -> list[str]:
    """Return the lines of the section over all tasks."""
    return text.partition("## Across 2 tasks\n")[2].partition("\n## ")[0].strip().splitlines()


@pytest.mark.usefixtures("no_other_figures")
def test_a_run_of_several_tasks_has_the_section_of_a_matrix(
    runs: list[Path], tmp_path: Path
) -> None:
    _, matrix, table, *_ = draw_matrix(runs[:1], tmp_path / "out", formats=())
    written = {path.name: path for path in draw_all(runs[0], ("png", "svg"))}
    assert len(section(matrix.read_text())) > 10
    assert section(written["summary.md"].read_text()) == section(matrix.read_text())
    assert written["across_tasks.csv"].read_bytes() == table.read_bytes()
    for name in ("across_tasks.png", "across_tasks.svg"):
        assert written[name].parent == runs[0] / "figures"
    assert written["across_tasks.svg"].read_bytes().startswith(b"<?xml")


@pytest.mark.usefixtures("figures_of_text")
def test_a_run_of_one_task_has_none_and_an_earlier_one_goes(runs: list[Path]) -> None:
    earlier = draw_all(runs[0], ("png", "svg"))
    changed(runs[0], lambda row: row if row.task == TASKS[0] else None)
    written = draw_all(runs[0])
    gone = {path.name for path in earlier if not path.exists()}
    assert gone == {"across_tasks.csv", "across_tasks.png", "across_tasks.svg"}
    assert "Across" not in written[1].read_text()


@pytest.mark.usefixtures("figures_of_text")
def test_a_run_whose_policies_all_lack_a_task_says_so_without_file_or_figure(
    runs: list[Path],
) -> None:
    changed(runs[0], lambda row: None if (row.policy, row.task) == ("bc", TASKS[0]) else row)
    only_bc_and_references = ("bc", "expert", "random")
    changed(
        runs[0],
        lambda row: row if row.policy in only_bc_and_references or row.task == TASKS[0] else None,
    )
    written = draw_all(runs[0])
    assert f"- Not included: bc, mlp (not run on {TASKS[0]})." in written[1].read_text()
    assert not [path for path in written if "across" in path.name]


@pytest.mark.usefixtures("figures_of_text")
def test_a_run_that_does_not_state_its_backbone_is_compared(tmp_path: Path) -> None:
    write_run(tmp_path / "run", tasks=TASKS, train_seeds=(0, 1), episodes=20)
    text = draw_all(tmp_path / "run")[1].read_text()
    assert any(line.startswith("| flow | euler 10 |") for line in section(text))
    assert "| Improves | on diffusion | on bc |" in section(text)


@pytest.mark.usefixtures("figures_of_text")
def test_a_mark_of_a_policy_on_a_task_stands_in_the_section_of_its_run(runs: list[Path]) -> None:
    def fail(row: EpisodeRow) -> EpisodeRow:
        if (row.policy, row.task, row.train_seed) != ("bc", TASKS[0], 0):
            return row
        failed = {"success": False, "success_any": False, "success_end": False}
        return dataclasses.replace(row, **failed, time_to_success_s=None)

    def solve(row: EpisodeRow) -> EpisodeRow:
        if (row.policy, row.task, row.train_seed) != ("bc", TASKS[0], 1):
            return row
        return dataclasses.replace(row, success=True, success_any=True)

    text = draw_all(changed(changed(runs[0], fail), solve))[1].read_text()
    assert any(line.startswith("| bc, mlp (seeds disagree) |") for line in section(text))
