"""Rows that are not a run's own are refused by name, also where every hash agrees with them."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fmbench.errors import FmbenchError
from fmbench.harness.seeds import TEST, TEST_BLOCKS
from fmbench.report.results import read_results
from fmbench.storage.cell_files import CELLS_FOLDER
from fmbench.storage.episode_files import Episodes, compress_run, read_episodes, write_episodes
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import (
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    R,
    TrainingRow,
)
from fmbench.storage.run_facts import MadeDemonstrations, read_run_facts, write_run_facts
from fmbench.storage.run_rows import FIRST_TEST_SEEDS, hash_rows
from tests.fmbench.runs.small_experiment import CONFIG, run, without_opengl
from tests.fmbench.storage.forger import forge_cell, forge_run

pytestmark = [pytest.mark.faults]


@pytest.fixture(scope="module")
def good(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rows") / "run"
    with pytest.MonkeyPatch.context() as patch:
        without_opengl(patch)
        run(CONFIG, out, demonstrations_folder.parent)
    return out


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "run"))


def change_rows(folder: Path, row_type: type[R], change: Callable[[list[R]], list[R]]) -> None:
    """Change one file of rows; a forger hides it."""
    path = folder / row_type.file_name
    write_rows(path, change(read_rows(path, row_type)), row_type)


def of_flow(**values: Any) -> Callable[[list[Any]], list[Any]]:
    """Change values of the rows of the trained policy."""
    return lambda rows: [replace(r, **values) if r.policy == "flow" else r for r in rows]


def refusal(folder: Path) -> str:
    with pytest.raises(FmbenchError) as caught:
        read_results(folder)
    assert str(caught.value).startswith(str(folder))
    return str(caught.value)


def test_the_first_test_seeds_are_those_of_the_harness() -> None:
    assert FIRST_TEST_SEEDS == TEST_BLOCKS


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task": "LiftCube"}, "task=LiftCube, policy=flow, .* (task: LiftCube there, PressEither"),
        ({"policy": "ppo"}, "policy=ppo, .* (policy: ppo there, flow in run.json)"),
        ({"train_seed": 1}, "train_seed=1 (train_seed: 1 there, seeds: 1 in run.json)"),
        ({"train_seed": -1}, "train_seed=-1 (train_seed: -1 there, seeds: 1 in run.json)"),
    ],
)
def test_cells_outside_of_the_configuration_are_refused(
    values: dict[str, Any], message: str, folder: Path
) -> None:
    for row_type in (EpisodeRow, OriginRow):
        change_rows(folder, row_type, of_flow(**values))
    forge_run(folder)
    for part in message.split(" .* "):
        assert part in refusal(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task_hash": "0" * 16}, "task_hash: 0000000000000000 there, "),
        ({"demonstrations_hash": "0" * 16}, "demonstrations_hash: 0000000000000000 there, "),
        ({"device": "cuda"}, "device: cuda there, cpu in run.json"),
        ({"code_hash": "0" * 16}, "made with code_hash 0000000000000000, which run.json does not"),
        ({"versions": "torch=1.0"}, "made with torch 1.0, which run.json does not state"),
        ({"config_hash": "0" * 12}, "has rows of another configuration than that in its run.json"),
    ],
)
def test_rows_of_another_origin_are_refused(
    values: dict[str, Any], message: str, folder: Path
) -> None:
    change_rows(folder, OriginRow, of_flow(**values))
    forge_run(folder)
    assert message in refusal(folder)


def test_other_episodes_are_refused(folder: Path) -> None:
    good = read_episodes(folder)
    later = [replace(row, episode_seed=row.episode_seed + 1) for row in good.rows]
    for rows, message in (
        (good.rows[:2] + good.rows[3:], "episodes: 2 there, 3 in run.json"),
        (later, f"episode_seed: {TEST + 1} is not the next test episode"),
        (good.rows[::-1], f"episode_seed: {TEST + 2} is not the next test episode"),
        (
            [*good.rows, replace(good.rows[-1], episode_seed=TEST + 3)],
            "episodes: 4 there, 3 in run.json",
        ),
    ):
        write_episodes(folder, Episodes(rows, good.origins))
        forge_run(folder)
        assert message in refusal(folder)


def test_a_lost_cell_is_noticed(folder: Path) -> None:
    good = read_episodes(folder)
    kept = [row for row in good.rows if row.policy != "random"]
    origins = [row for row in good.origins if row.policy != "random"]
    write_episodes(folder, Episodes(kept, origins))
    forge_run(folder)
    assert "has 2 cells; its run.json has 3" in refusal(folder)


@pytest.mark.parametrize("row_type", [MeasurementRow, TrainingRow, DiagnosticRow])
def test_further_rows_belong_to_the_run_too(row_type: type[Any], folder: Path) -> None:
    change_rows(folder, row_type, of_flow(train_seed=7))
    forge_run(folder)
    assert "train_seed: 7 there, seeds: 1 in run.json" in refusal(folder)


@pytest.mark.parametrize(
    ("row_type", "values"),
    [
        (MeasurementRow, {"parameters": 3}),
        (MeasurementRow, {"headline": False}),
        (TrainingRow, {"loss": 0.001}),
        (DiagnosticRow, {"chunk_distance": 0.001}),
    ],
)
def test_a_changed_cost_loss_or_diagnostic_is_noticed(
    row_type: type[Any], values: dict[str, Any], folder: Path
) -> None:
    path = folder / row_type.file_name
    good = path.read_bytes()
    change_rows(folder, row_type, of_flow(**values))
    assert f"{path} was changed after it was written" in refusal(folder)
    path.unlink()
    assert f"{path} is missing, run.json lists it" in refusal(folder)
    path.write_bytes(good)
    assert read_results(folder).complete


def test_a_file_of_rows_that_was_added_is_noticed(folder: Path) -> None:
    facts = read_run_facts(folder)
    hashes = {k: v for k, v in facts.sha256.items() if k != "diagnostics.csv"}
    write_run_facts(folder, replace(facts, sha256=hashes))
    assert "diagnostics.csv is not listed in run.json" in refusal(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"demos": 5}},
        {"config": {"backbone": "unet"}},
        {"config": {"seeds": 2}},
        {"config": {"episodes": 4}},
        {"config": {"updates": 7}},
        *({"config": {name: None}} for name in ("task", "policy", "seeds", "episodes", "device")),
        {"preset": "paper"},
        {"planned_cells": 4},
        {"demonstrations": {"PressEither": MadeDemonstrations(4, 4, 0, "0" * 64)}},
        {"made_with": ()},
    ],
)
def test_a_changed_fact_that_decides_rows_is_noticed(changes: dict[str, Any], folder: Path) -> None:
    facts = read_run_facts(folder)
    if "config" in changes:
        config = {**facts.config, **changes["config"]}
        changes = {"config": config}
        if "seeds" in config and config["seeds"] == 2:
            changes["planned_cells"] = 4
    write_run_facts(folder, replace(facts, **changes))
    refusal(folder)


def test_a_cell_of_another_run_is_refused_in_an_unfinished_run(folder: Path) -> None:
    facts = replace(read_run_facts(folder), complete=False, sha256={})
    write_run_facts(folder, facts)
    path = folder / CELLS_FOLDER / "PressEither-flow-euler2-seed0.csv"
    path.write_text(path.read_text().replace(",flow,", ",bc,"))
    forge_cell(path)
    assert "policy=bc, sampler=euler, steps=2, train_seed=0 (policy: bc there" in refusal(folder)


def test_a_damaged_cell_of_an_unfinished_run_is_left_out_if_asked(folder: Path) -> None:
    write_run_facts(folder, replace(read_run_facts(folder), complete=False, sha256={}))
    whole = read_results(folder, leaves_out=True)
    assert whole.left_out == ()
    cells = folder / CELLS_FOLDER
    for name in ("PressEither-random.csv", "PressEither-flow-euler2-seed0.measurement.csv"):
        (cells / name).write_text("task\n")
    refusal(folder)
    results = read_results(folder, leaves_out=True)
    kept = whole.episodes[whole.episodes["policy"] != "random"].reset_index(drop=True)
    assert results.episodes.reset_index(drop=True).equals(kept)
    assert len(results.measurements) == len(whole.measurements) - 1
    assert [line.split(",")[0].split(":")[0] for line in results.left_out] == [
        str(cells / "PressEither-random.csv"),
        str(cells / "PressEither-flow-euler2-seed0.measurement.csv"),
    ]


def test_a_finished_run_can_still_be_compressed_and_read(folder: Path) -> None:
    before = read_results(folder)
    compress_run(folder)
    assert read_results(folder).summary.equals(before.summary)
    assert hash_rows(folder) == read_run_facts(folder).sha256


def test_the_command_of_a_run_mends_its_files_of_rows(
    folder: Path, demonstrations_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_opengl(monkeypatch)
    good = (folder / "measurements.csv").read_bytes()
    change_rows(folder, MeasurementRow, of_flow(parameters=3))
    run(CONFIG, folder, demonstrations_folder.parent)
    assert (folder / "measurements.csv").read_bytes() == good
    assert read_results(folder).complete
