"""Runs that differ in what policies observe: one table, one figure, sentences on the ranking."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fmbench.errors import FmbenchError
from fmbench.observations import main
from fmbench.report.comparisons import adjust_together
from fmbench.report.looks import OF_CATALOGUE
from fmbench.report.matrix.draw import draw_matrix
from fmbench.report.observation.draw import draw_observations
from fmbench.report.observation.rows import ObservationRow, Pair, comparisons_of, observation_rows
from fmbench.report.observation.text import ranking_sentences
from fmbench.report.observed import observation_label
from fmbench.report.results import read_results
from fmbench.storage.row_files import read_rows
from tests.fmbench.fake_run import write_run

TASKS = ("fmbench/LiftCube-v0",)
STATE = {"demos": 500, "updates": 100, "backbone": "mlp"}
FEATURES = {
    **STATE,
    "observation": "features",
    "encoder": "yolo12",
    "like": "resnet18",
    "encoder_model": None,
    "image_size": 96,
}
SIGHTS = {TASKS[0]: "rays main right-front 0123456789abcdef"}


def make_run(
    folder: Path,
    config: dict[str, object],
    sights: dict[str, str] | None = None,
    episodes: int = 20,
) -> Path:
    write_run(folder, tasks=TASKS, train_seeds=(0, 1), episodes=episodes)
    run = json.loads((folder / "run.json").read_text())
    run["config"] = {"task": list(TASKS), **config}
    if sights:
        run["sights"] = sights
    (folder / "run.json").write_text(json.dumps(run))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path / "b", FEATURES, SIGHTS), make_run(tmp_path / "a", STATE)]


def test_observations_stand_side_by_side_state_first(runs: list[Path], tmp_path: Path) -> None:
    written = draw_observations(runs, tmp_path / "out")
    rows = read_rows(written[0], ObservationRow)
    learned = [(row.observation, row.cameras, row.policy) for row in rows if row.observation]
    policies = ("flow", "diffusion", "bc")
    assert learned == [("state", "", policy) for policy in policies] + [
        ("yolo12", "main right-front", policy) for policy in policies
    ]
    assert [row.policy for row in rows if not row.observation] == ["expert", "random"]
    text = written[1].read_text()
    assert "## 500 demonstrations" in text
    assert "| fmbench/LiftCube-v0 | yolo12 | main right-front | " in text
    assert "yolo12 against state, 3 pairs of policies" in text
    first = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in draw_observations(runs, tmp_path / "out")] == first


def test_the_same_cell_twice_and_other_differences_are_rejected(
    runs: list[Path], tmp_path: Path
) -> None:
    again = make_run(tmp_path / "c", FEATURES, SIGHTS)
    with pytest.raises(FmbenchError, match="from yolo12 with 500 demonstrations; only equal"):
        draw_observations([*runs, again], tmp_path / "out")
    other = make_run(tmp_path / "d", {**FEATURES, "updates": 7, "encoder": "boxes"}, SIGHTS)
    with pytest.raises(FmbenchError, match=r"updates is 100 in .* and 7 in "):
        draw_observations([*runs, other], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_runs_of_single_tasks_are_adjusted_like_one_run_of_them_all(tmp_path: Path) -> None:
    results = read_results(make_run(tmp_path / "a", STATE))
    whole, key = results.comparisons, ("state", 500)
    parts = [dataclasses.replace(results, comparisons=whole[k : k + 1]) for k in range(len(whole))]
    pd.testing.assert_frame_equal(comparisons_of(parts)[key], comparisons_of([results])[key])
    pd.testing.assert_frame_equal(comparisons_of(parts)[key], whole.assign(seeds_to_decide=np.nan))
    alone = [adjust_together([part.comparisons])["p_holm"].iloc[0] for part in parts]
    assert alone == pytest.approx(whole["p"]), "one comparison needs no adjustment"
    assert (whole["p_holm"] >= whole["p"]).all()


def test_other_rows_of_the_expert_are_not_hidden(tmp_path: Path) -> None:
    state, features = (
        observation_rows([read_results(make_run(tmp_path / name, config, sights))])
        for name, config, sights in (("a", STATE, None), ("b", FEATURES, SIGHTS))
    )
    assert [r for r in state if not r.observation] == [r for r in features if not r.observation]
    fewer = make_run(tmp_path / "c", FEATURES, SIGHTS, episodes=10)
    with pytest.raises(FmbenchError, match=r"two runs have expert on .* only equal rows of expert"):
        observation_rows([read_results(tmp_path / "a"), read_results(fewer)])


def test_the_command_prints_what_it_wrote(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*map(str, runs), "--out", str(tmp_path / "out")]) == 0
    names = [Path(line).name for line in capsys.readouterr().out.split()]
    assert names == ["observations.csv", "observations.md", "observations.png"]


def test_a_ranking_is_the_same_reversed_or_open() -> None:
    pairs = [
        Pair("A", 500, "flow", "bc", {"state": 1, "yolo12": 1}),
        Pair("B", 500, "flow", "bc", {"state": 1, "yolo12": -1}),
        Pair("C", 500, "flow", "bc", {"state": 0, "yolo12": 1}),
        Pair("D", 500, "flow", "bc", {"state": 0, "yolo12": 0}),
        Pair("E", 500, "flow", "bc", {"boxes": 0, "yolo12": 0}),
    ]
    (sentence,) = ranking_sentences(pairs, OF_CATALOGUE)
    assert sentence == (
        "yolo12 against state, 4 pairs of policies: the same policy is ahead with both in 1, "
        "another one in 1, and in 2 none is ahead with at least one of them (another one: flow "
        "and bc on B)."
    )
    assert list(ranking_sentences(pairs[4:], OF_CATALOGUE)) == [
        "No pair of policies was compared both from the state and from pictures."
    ]


@pytest.mark.parametrize(
    ("config", "label"),
    [
        ({}, "state"),
        (FEATURES, "yolo12"),
        ({**FEATURES, "encoder": "random"}, "untrained resnet18"),
        ({**FEATURES, "encoder": "vit", "encoder_model": "vit_s"}, "vit vit_s frozen"),
        ({**FEATURES, "observation": "pixels", "encoder": "resnet18"}, "resnet18"),
    ],
)
def test_labels_of_observations(config: dict[str, object], label: str) -> None:
    assert observation_label(config) == label


def test_a_matrix_is_not_made_of_different_pictures(runs: list[Path], tmp_path: Path) -> None:
    other = make_run(
        tmp_path / "e", {**FEATURES, "backbone": "unet"}, {TASKS[0]: "opengl main 0123456789abcdef"}
    )
    with pytest.raises(FmbenchError, match=r"LiftCube-v0 is seen by rays main right-front 0123.*"):
        draw_matrix([runs[0], other], tmp_path / "out")
