"""Rank correlation between hands: exact values, scipy's, what is left out, and its files."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from fmbench.figures import main
from fmbench.report.across_hands.draw import draw_across_hands
from fmbench.report.across_hands.ranks import correlation_bounds, kendall
from fmbench.report.across_hands.table import (
    ALIKE,
    OPPOSED,
    UNDECIDED,
    AcrossHandsRow,
    HandTask,
    task_and_hand,
)
from fmbench.report.results import read_results
from fmbench.storage.files import write_json_atomic
from fmbench.storage.grid_folder import GridFacts, SectionFacts, write_grid_facts
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import MeasurementRow
from tests.fmbench.fake_run import episode_row, write_episode_rows

SAMPLERS = {"flow": ("euler", 10, 10), "diffusion": ("ddim", 10, 10), "bc": ("direct", 1, 1)}
SEEDS, EPISODES = (0, 1, 2), 40
HANDS = ("fmbench", "shadow", "leap")
WELL, MIDDLING, BADLY = 38, 22, 4
"""Successes of each training seed."""


def write_one(folder: Path, task: str, successes: dict[str, int]) -> Path:
    """Write a run of one task in which each seed of a policy has as many successes."""
    rows, measured = [], []
    for policy, count in successes.items():
        for seed in SEEDS:
            for k in range(EPISODES):
                row = episode_row(
                    np.random.default_rng(0), task, policy, SAMPLERS[policy], seed, 20_000 + k, 0.5
                )
                ends = dict.fromkeys(("success", "success_any", "success_end"), k < count)
                rows.append(dataclasses.replace(row, time_to_success_s=None, **ends))
            cell = (task, policy, *SAMPLERS[policy][:2], seed)
            measured.append(MeasurementRow(*cell, True, 1000, 100, 1.0, 0.3, 0.4))
    write_episode_rows(folder, rows)
    write_rows(folder / MeasurementRow.file_name, measured, MeasurementRow)
    write_json_atomic(folder / "run.json", {"preset": "quick", "config": {"backbone": "mlp"}})
    return folder


def write_all(folder: Path, table: dict[str, tuple[int, ...]]) -> list[Path]:
    """Write a run for each task, with the successes of flow, diffusion and bc, as many as given."""
    return [
        write_one(folder / task, task, dict(zip(SAMPLERS, counts, strict=False)))
        for task, counts in table.items()
    ]


def drawn(folder: Path, table: dict[str, tuple[int, ...]]) -> list[AcrossHandsRow]:
    results = [read_results(run) for run in write_all(folder, table)]
    paths = draw_across_hands(results, HANDS, folder, ())
    return read_rows(paths[0], AcrossHandsRow) if paths else []


def test_kendall_is_that_of_scipy_with_ties_and_without_an_order() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(4, size=(2, 50, 5)).astype(float)
    expected = np.nan_to_num([kendalltau(x, y).statistic for x, y in zip(a, b, strict=True)])
    assert kendall(a, b) == pytest.approx(expected)
    assert kendall(np.ones(3), np.arange(3.0)) == 0.0
    # pairs (1, 2), (1, 3) agree, (2, 3) is a tie in b: 2 / sqrt(3 * 2)
    assert kendall(np.array([1.0, 2, 3]), np.array([1.0, 2, 2])) == pytest.approx(2 / np.sqrt(6))


def test_an_interval_of_a_correlation_lies_between_minus_one_and_one() -> None:
    samples = np.linspace(-0.4, 0.4, 1001)
    assert correlation_bounds(np.asarray(0.1), samples, 1) == pytest.approx((-0.28, 0.48))
    assert correlation_bounds(np.asarray(1.0), samples, 1) == pytest.approx((0.62, 1.0))


def test_a_name_is_split_into_task_and_hand() -> None:
    assert task_and_hand("LiftCubeLeap", HANDS) == HandTask("LiftCube", "leap")
    assert task_and_hand("LiftCube", HANDS) == HandTask("LiftCube", "fmbench")
    assert task_and_hand("LiftCubeLeap", ("fmbench", "shadow")).hand == "fmbench"
    assert task_and_hand("LiftCubeMyLeap", (*HANDS, "myLeap")) == HandTask("LiftCube", "myLeap")


def test_hands_are_compared_on_the_tasks_that_both_have(tmp_path: Path) -> None:
    falling, rising = (WELL, MIDDLING, BADLY), (BADLY, MIDDLING, WELL)
    tie = (MIDDLING, MIDDLING, BADLY)
    table = {"LiftCube": falling, "LiftCubeShadow": falling, "LiftCubeLeap": rising}
    table |= {"InsertPeg": rising, "InsertPegLeap": tie}
    rows = {(row.hand, row.other, row.task): row for row in drawn(tmp_path, table)}
    found = {key: (row.tasks, round(row.tau, 3), row.verdict) for key, row in rows.items()}
    lower = round(-2 / np.sqrt(6), 3)
    assert found == {
        ("fmbench", "shadow", ""): (1, 1.0, ALIKE),
        ("fmbench", "shadow", "LiftCube"): (1, 1.0, ALIKE),
        ("fmbench", "leap", ""): (2, round((-1 - 2 / np.sqrt(6)) / 2, 3), OPPOSED),
        ("fmbench", "leap", "InsertPeg"): (1, lower, OPPOSED),
        ("fmbench", "leap", "LiftCube"): (1, -1.0, OPPOSED),
        ("shadow", "leap", ""): (1, -1.0, OPPOSED),
        ("shadow", "leap", "LiftCube"): (1, -1.0, OPPOSED),
    }
    assert {(row.policies, row.train_seeds, row.episodes) for row in rows.values()} == {(3, 3, 40)}


def test_equally_good_policies_are_undecided_and_missing_ones_left_out(tmp_path: Path) -> None:
    table = {"LiftCube": (30, 30, 4), "LiftCubeLeap": (30, 30)}
    (mean, task) = drawn(tmp_path, table)
    assert (mean.policies, mean.tau, mean.verdict) == (2, 0.0, UNDECIDED)
    assert -1 <= mean.low < 0 < mean.high <= 1
    assert (task.low, task.high) == (mean.low, mean.high), "the mean of one task"
    text = (tmp_path / "across_hands.md").read_text(encoding="utf-8")
    assert "- fmbench and leap: undecided: their orders may agree or not (2 policies" in text
    assert "- Not included: bc, mlp (not run: LiftCube on leap)." in text


@pytest.mark.thorough
def test_figures_of_a_grid_with_several_hands_have_it(tmp_path: Path) -> None:
    table = {"LiftCube": (38, 22, 4), "LiftCubeShadow": (22, 38, 4), "LiftCubeLeap": (4, 22, 38)}
    write_all(tmp_path / "hands", table)
    section = SectionFacts("hands", "Hands", "matrix", dict.fromkeys(table, "0" * 12), HANDS)
    facts = GridFacts(1, "Small", (section,), "python -m fmbench.paper", "")
    write_grid_facts(tmp_path, facts)
    assert main([str(tmp_path)]) == 0
    names = {path.name for path in (tmp_path / "hands").glob("across_hands.*")}
    assert names == {"across_hands.csv", "across_hands.md", "across_hands.png"}
    first = (tmp_path / "hands" / "across_hands.png").read_bytes()
    assert len(read_rows(tmp_path / "hands" / "across_hands.csv", AcrossHandsRow)) == 6
    assert main([str(tmp_path)]) == 0
    assert (tmp_path / "hands" / "across_hands.png").read_bytes() == first
