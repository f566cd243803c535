"""Forces, drops and stages of a run: exact numbers of made-up rows, and what they leave alone."""

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fmbench.report.behaviour.figure import behaviour_figure, stage_colours
from fmbench.report.behaviour.rows import BehaviourRow, CellBehaviour, behaviours, drops_interval
from fmbench.report.behaviour.text import behaviour_markdown
from fmbench.report.draw import draw_all
from fmbench.report.results import Results, read_results
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.fake_run import make_rows, write_episode_rows, write_run
from tests.fmbench.runs.small_experiment import figures_as_text

STAGES = ("start", "reached", "lifted", "held")
TEMPLATE = make_rows(episodes=1)[0][0]
FILES = {"behaviour.csv", "behaviour.md", "behaviour.png"}


def measured(k: int, number: int) -> dict[str, Any]:
    """Return the measures of the k-th episode, which ends at a stage."""
    drops = int(STAGES[number] == "lifted")
    stage = {"stage": STAGES[number], "stages_reached": number}
    return {**stage, "peak_contact_force": k + 1.0, "drops": drops, "jerk": 0.25}


def episodes(
    policy: str, furthest: list[int], train_seed: int = 0, **values: Any
) -> list[EpisodeRow]:
    """Return episodes that end at these stages; as `measured` says."""
    return [
        dataclasses.replace(
            TEMPLATE,
            policy=policy,
            sampler="" if policy == "expert" else "direct",
            steps=0 if policy == "expert" else 1,
            train_seed=-1 if policy == "expert" else train_seed,
            episode_seed=k,
            success=number == 3,
            success_any=number == 3,
            success_end=number == 3,
            time_to_success_s=2.0 if number == 3 else None,
            **{**measured(k, number), **values},
        )
        for k, number in enumerate(furthest)
    ]


def results_of(folder: Path, *parts: list[EpisodeRow]) -> Results:
    write_episode_rows(folder, [row for part in parts for row in part])
    return read_results(folder)


def drawn(folder: Path) -> set[str]:
    with pytest.MonkeyPatch.context() as patch:
        figures_as_text(patch)
        return {path.name for path in draw_all(folder)} & FILES


def test_a_row_has_the_numbers_of_its_episodes(tmp_path: Path) -> None:
    results = results_of(
        tmp_path,
        episodes("expert", [3] * 10),
        episodes("bc", [0, 0, 1, 2, 2, 2, 2, 2, 3, 3]),
        episodes("bc", [3] * 10, train_seed=1, peak_contact_force=0.5, drops=2),
    )
    expert, bc = (each.row for each in behaviours(results))
    assert (expert.train_seeds, expert.episodes, expert.success_rate) == (0, 10, 1.0)
    assert (expert.peak_force_median, expert.peak_force_p90) == (5.5, pytest.approx(9.1))
    assert (expert.drops, expert.drops_low, expert.stages) == (0.0, 0.0, "held: 10")
    assert expert.drops_high == pytest.approx(3.68888 / 10, rel=1e-5)  # 97.5 % of Poisson(0)
    assert (bc.train_seeds, bc.episodes, bc.success_rate) == (2, 20, 0.6)
    assert bc.peak_force_median == 0.75
    assert (bc.drops, bc.jerk) == (25 / 20, 0.25)
    assert bc.stages == "start: 2; reached: 1; lifted: 5; held: 12"
    text = behaviour_markdown(behaviours(results), results)
    assert "| Jerk | start | reached | lifted | held |" in text
    assert "| bc | direct | 0.600 | 0.75 / 8.1 | 1.25 (0.30–2.00) | 0.25 | 0.10 | 0.05 |" in text


def test_bars_are_the_shares_and_add_up_to_one(tmp_path: Path) -> None:
    furthest = [0, 0, 1, 2, 2, 2, 2, 2, 3, 3]
    results = results_of(tmp_path, episodes("expert", [3] * 10), episodes("bc", furthest))
    found = behaviours(results)
    bars, forces, drops = behaviour_figure(found, results).axes
    widths = [(round(p.get_y() + 0.36), p.get_width()) for p in bars.patches]
    assert widths == [(0, 1.0), *((1, pytest.approx(s)) for s in (0.2, 0.1, 0.5, 0.2))]
    assert [t.get_text() for t in bars.get_legend().get_texts()] == list(STAGES)
    assert [t.get_text() for t in bars.get_yticklabels()] == ["expert", "bc"]
    medians = [line.get_xdata() for line in forces.lines if line.get_marker() == "o"]
    assert [float(np.squeeze(x)) for x in medians] == [5.5, 5.5]
    means = [line.get_xdata() for line in drops.lines if line.get_marker() == "o"]
    assert [float(np.squeeze(x)) for x in means] == [0.0, 0.5]


def test_the_success_has_its_colour_wherever_others_end() -> None:
    all_stages = [*enumerate(STAGES)]
    full, failed = stage_colours(all_stages, 3), stage_colours(all_stages[:3], None)
    assert len(set(full.values())) == 4
    assert (full[0], full[1], full[2]) == (failed[0], failed[1], failed[2])
    assert full[3] not in failed.values()
    assert stage_colours([(3, "held")], 3)[3] == full[3]


def test_what_was_not_measured_is_not_drawn(tmp_path: Path) -> None:
    assert behaviours(read_results(write_run(tmp_path / "old", episodes=5))) == []
    new = tmp_path / "new"
    old = episodes("bc", [3] * 5, peak_contact_force=None, drops=None)
    old = [dataclasses.replace(row, stage="", stages_reached=None) for row in old]
    later = episodes("bc", [2] * 5, train_seed=1, drops=None)
    results = results_of(new, episodes("expert", [3] * 5, drops=None), old, later)
    expert, bc = (each.row for each in behaviours(results))
    assert (bc.episodes, bc.stages, bc.train_seeds) == (5, "lifted: 5", 1)
    assert (expert.drops, expert.drops_low, expert.drops_high) == (None, None, None)
    assert drawn(new) == FILES
    assert "| 3 / 4.6 | – | 0.25 |" in (new / "behaviour.md").read_text()
    write_episode_rows(new, old)  # rows of an earlier state leave no table behind
    assert drawn(new) == set()
    assert not [path for path in new.rglob("behaviour.*")]


def test_a_task_without_stages_has_forces(tmp_path: Path) -> None:
    rows = episodes("bc", [0] * 5, stage="", stages_reached=None, drops=None)
    results = results_of(tmp_path, rows)
    (found,) = behaviours(results)
    assert (found.stages, found.row.stages, found.row.peak_force_median) == ({}, "", 3.0)
    bars, forces, drops = behaviour_figure([found], results).axes
    assert [text.get_text() for text in bars.texts] == ["no stages are registered"]
    assert [text.get_text() for text in drops.texts] == ["nothing to drop"]
    assert len(forces.lines) == 3


def test_delayed_and_disturbed_episodes_are_left_out(tmp_path: Path) -> None:
    plain = [episodes("expert", [3] * 5), episodes("bc", [2] * 5)]
    before = behaviours(results_of(tmp_path / "plain", *plain))
    further = [
        episodes("bc", [0] * 5, delay=2, drops=9),
        episodes("bc", [0] * 5, perturb="mass=2", drops=9),
        episodes("expert", [0] * 5, perturb="mass=2", peak_contact_force=1e3),
    ]
    assert behaviours(results_of(tmp_path / "all", *plain, *further)) == before


def test_files_are_functions_of_the_rows(tmp_path: Path) -> None:
    results_of(tmp_path, episodes("expert", [3] * 5), episodes("bc", [1, 2, 3, 3, 3]))
    paths = [path for path in draw_all(tmp_path) if path.name in FILES]
    before = [path.read_bytes() for path in paths]
    draw_all(tmp_path)
    assert [path.read_bytes() for path in paths] == before
    read = read_rows(tmp_path / "behaviour.csv", BehaviourRow)
    expected = [each.row for each in behaviours(read_results(tmp_path))]
    assert [row.stages for row in read] == [row.stages for row in expected]
    with (tmp_path / "behaviour.csv").open() as file:
        assert "caveat" not in next(csv.reader(file))


def test_one_row_for_each_headline_of_each_task(tmp_path: Path) -> None:
    made, _, _ = make_rows(("fmbench/LiftCube-v0", "fmbench/TwoCubes-v0"), episodes=3)
    rows = [
        dataclasses.replace(row, stage="lifted", stages_reached=2, peak_contact_force=1.0)
        for row in made
    ]
    write_episode_rows(tmp_path, rows)
    results = read_results(tmp_path)
    found: list[CellBehaviour] = behaviours(results)
    assert len({each.row.cell for each in found}) == 2 * 5
    assert [each.row.policy for each in found][:5] == [
        *("expert", "random", "flow", "diffusion", "bc"),
    ]
    assert len(behaviour_figure(found, results).axes) == 2 * 3


@pytest.mark.parametrize("rate", [0.01, 0.2, 1.5])
def test_the_interval_of_drops_covers_their_rate(rate: float) -> None:
    """Of independent episodes with Poisson counts, in at least 93 % of 200 samples."""
    rng, n = np.random.default_rng(0), 60
    covered = []
    for _ in range(200):
        low, high = drops_interval(rng.poisson(rate, (1, n)).astype(float))
        covered.append(low <= rate <= high)
    assert np.mean(covered) >= 0.93


def test_the_interval_is_the_wider_of_two() -> None:
    even = np.ones((1, 40))  # no resample differs, but a rate of 40 in 40 does
    low, high = drops_interval(even)
    assert (low, high) == (
        pytest.approx(stats.chi2.ppf(0.025, 80) / 80),
        pytest.approx(stats.chi2.ppf(0.975, 82) / 80),
    )
    seeds = np.array([[0.0] * 40, [2.0] * 40])  # seeds differ more than counts
    low, high = drops_interval(seeds)
    # What products of matrices round to differs between processors.
    assert (low, high) == (pytest.approx(0.0, abs=1e-12), pytest.approx(2.0, rel=1e-12))
    missing = np.array(
        [[0.0, 1.0, np.nan], [np.nan, np.nan, 0.0]]
    )  # no start is common to all seeds
    assert drops_interval(missing) == (
        pytest.approx(stats.chi2.ppf(0.025, 2) / 6),
        pytest.approx(stats.chi2.ppf(0.975, 4) / 6),
    )
