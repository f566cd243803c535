"""Tables of disturbances against counts and intervals computed from the episodes by hand."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from fmbench.report.disturbances.draw import draw_disturbances, print_disturbances
from fmbench.report.disturbances.figure import draw_heat_map, render_disturbances
from fmbench.report.disturbances.pairs import (
    BOOTSTRAP,
    COMBINED,
    DisturbancePairRow,
    pair_rows,
)
from fmbench.report.disturbances.rows import (
    OVER_SEEDS,
    PAIRED,
    DisturbanceRow,
    arms_of,
    disturbance_rows,
)
from fmbench.report.over_changes import change_bounds, changes_of
from fmbench.report.results import Results, read_results
from fmbench.report.statistics import newcombe_interval, paired_interval
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.fake_run import make_rows, write_episode_rows

TEMPLATE = make_rows(episodes=1)[0][0]


def episodes(policy: str, plain: str, disturbed: str, seed: int = 0) -> list[EpisodeRow]:
    """Return rows of both arms from outcomes such as `1101`, episode by episode."""
    steps = {"expert": 0, "flow": 10, "bc": 1}[policy]
    rows = []
    for perturb, outcomes in (("", plain), ("mass=2", disturbed)):
        for k, outcome in enumerate(outcomes):
            solved = outcome == "1"
            rows.append(
                dataclasses.replace(
                    TEMPLATE,
                    policy=policy,
                    sampler={"flow": "euler", "bc": "direct"}.get(policy, ""),
                    steps=steps,
                    train_seed=-1 if policy == "expert" else seed,
                    episode_seed=20_000 + k,
                    perturb=perturb,
                    success=solved,
                    success_any=solved,
                    success_end=solved,
                    time_to_success_s=1.0 if solved else None,
                )
            )
    return rows


def results_of(folder: Path, *rows: list[EpisodeRow]) -> Results:
    write_episode_rows(folder, [row for part in rows for row in part])
    return read_results(folder)


def rows_of(results: Results) -> list[DisturbanceRow]:
    return disturbance_rows(results, arms_of(results))


def pairs_of(results: Results) -> list[DisturbancePairRow]:
    return pair_rows(results, arms_of(results))


def test_counts_difference_interval_and_retention_of_one_checkpoint(tmp_path: Path) -> None:
    # 40 episodes: 18 in both arms, 12 without only, 2 with only, 8 in neither.
    plain, disturbed = "1" * 30 + "0" * 10, "1" * 18 + "0" * 12 + "1" * 2 + "0" * 8
    expert = episodes("expert", "1" * 40, "1" * 36 + "0" * 4)
    results = results_of(tmp_path, expert, episodes("flow", plain, disturbed))
    of_expert, row = rows_of(results)
    assert (row.policy, row.perturb, row.episodes, row.train_seeds) == ("flow", "mass=2", 40, 1)
    assert (row.plain, row.disturbed) == (30, 20)
    assert row.difference == pytest.approx(-0.25)
    assert (row.low, row.high) == paired_interval(18, 2, 12, 8)
    assert row.low <= newcombe_interval(18, 2, 12, 8).low
    assert row.retention == pytest.approx(20 / 30)
    assert (row.interval, row.ranks) == (PAIRED, True)
    assert (of_expert.train_seeds, of_expert.disturbed_rate) == (0, 0.9)


def test_several_training_seeds_are_the_sample(tmp_path: Path) -> None:
    outcomes = [("1" * 18 + "00", "1" * 9 + "0" * 11), ("1" * 16 + "0000", "1" * 4 + "0" * 16)]
    arms = [episodes("flow", *pair, seed=seed) for seed, pair in enumerate(outcomes)]
    (row,) = rows_of(results_of(tmp_path, *arms))
    expected = change_bounds(changes_of([0, 0], [9, 12], 20))
    assert row.interval == OVER_SEEDS
    assert (row.low, row.high) == pytest.approx((expected.low, expected.high))
    assert row.retention == pytest.approx((13 / 40) / (34 / 40))


def test_no_retention_is_stated_of_a_policy_that_fails_already(tmp_path: Path) -> None:
    (row,) = rows_of(results_of(tmp_path, episodes("bc", "1001000000", "1000000000")))
    assert row.retention is None
    assert row.difference == pytest.approx(-0.1)


@pytest.mark.parametrize(("expert", "ranks"), [("1" * 15 + "0" * 5, False), ("1" * 16, True)])
def test_where_the_expert_breaks_nobody_is_ranked(expert: str, ranks: bool, tmp_path: Path) -> None:
    results = results_of(
        tmp_path,
        episodes("expert", "1" * 20, expert.ljust(20, "0")),
        episodes("flow", "1" * 20, "1" * 20),
        episodes("bc", "1" * 20, "0" * 20),
    )
    assert {row.ranks for row in rows_of(results)} == {ranks}
    assert len(pairs_of(results)) == ranks
    draw_disturbances(results, tmp_path)
    text = (tmp_path / "disturbances.md").read_text(encoding="utf-8")
    assert ("| mass=2 ‡ |" in text) == (not ranks)
    sentence = "mass=2: the difference of flow is 100.0 points above that of bc"
    assert (sentence in text.lower()) == ranks


def test_the_difference_of_differences_is_bootstrapped_over_the_episodes(tmp_path: Path) -> None:
    n = 60
    flow = ("1" * n, "1" * 45 + "0" * 15)
    bc = ("1" * 50 + "0" * 10, "1" * 20 + "0" * 40)
    results = results_of(tmp_path, episodes("flow", *flow), episodes("bc", *bc))
    (row,) = pairs_of(results)
    change = [
        np.array([int(b) - int(a) for a, b in zip(*arms, strict=True)]) for arms in (flow, bc)
    ]
    each = change[0] - change[1]
    assert (row.policy_a, row.policy_b, row.interval) == ("flow", "bc", BOOTSTRAP)
    assert row.difference == pytest.approx(each.mean()) == pytest.approx(0.25)
    # The percentile interval of a mean is close to the normal one for 60 episodes.
    half = 1.96 * each.std() / np.sqrt(n)
    assert (row.low, row.high) == pytest.approx((each.mean() - half, each.mean() + half), abs=0.02)
    drawn = np.random.default_rng(3).integers(n, size=(4000, n))
    oracle = np.percentile(each[drawn].mean(axis=1), [2.5, 97.5])
    assert (row.low, row.high) == pytest.approx(oracle, abs=0.02)


def test_policies_that_no_episode_separates_have_an_interval_all_the_same(tmp_path: Path) -> None:
    same = ("1" * 20, "1" * 20)
    results = results_of(tmp_path, episodes("flow", *same), episodes("bc", *same))
    (row,) = pairs_of(results)
    assert row.interval == COMBINED
    assert row.low < -0.1 < row.difference == 0.0 < 0.1 < row.high
    failing = results_of(
        tmp_path / "failing", episodes("flow", *same), episodes("bc", "0" * 20, "0" * 20)
    )
    assert pairs_of(failing) == []


def test_files_are_functions_of_the_rows_and_the_terminal_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = results_of(
        tmp_path,
        episodes("expert", "1" * 10, "1" * 10),
        episodes("flow", "1" * 10, "1" * 5 + "0" * 5),
        episodes("bc", "1" * 10, "1" * 10),
    )
    paths, _ = draw_disturbances(results, tmp_path)
    assert [path.name for path in paths] == [
        *("disturbances.csv", "disturbance_pairs.csv", "disturbances.md"),
    ]
    before = [path.read_bytes() for path in paths]
    draw_disturbances(read_results(tmp_path), tmp_path)
    assert [path.read_bytes() for path in paths] == before
    print_disturbances(results)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 100
    # Nothing is said to be lost: of two policies that both gain, one may gain more.
    assert "mass=2: the difference of bc is 50.0 points above that of flow" in shown.lower()
    plain = [row for row in episodes("flow", "10", "10") if not row.perturb]
    assert draw_disturbances(results_of(tmp_path / "plain", plain), tmp_path / "plain") == ([], [])
    assert list(DisturbanceRow.key) == ["task", "policy", "sampler", "steps", "perturb"]


def test_the_heat_map_has_a_cell_of_each_policy_and_setting(tmp_path: Path) -> None:
    results = results_of(
        tmp_path,
        episodes("expert", "1" * 20, "1" * 10 + "0" * 10),
        episodes("flow", "1" * 20, "1" * 15 + "0" * 5),
        episodes("bc", "1" * 5 + "0" * 15, "1" * 2 + "0" * 18),
    )
    _, rows = draw_disturbances(results, tmp_path)
    figure = draw_heat_map(rows, results)
    axes = figure.axes[0]
    assert [tick.get_text().lower() for tick in axes.get_yticklabels()] == ["flow", "bc", "expert"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["mass=2"]
    assert np.asarray(axes.images[0].get_array()).tolist() == [[0.75], [0.1], [0.5]]
    assert [text.get_text() for text in axes.texts] == ["0.50", "0.75", "(0.10)"]
    assert len(axes.collections) == len(rows) == 3, "the setting breaks the expert: all are hatched"
    assert all(text.get_path_effects() for text in axes.texts), "its lines run through the numbers"
    assert render_disturbances(rows, results) == render_disturbances(rows, results)
