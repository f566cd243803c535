"""Experiments: combinations of options, resuming, and rejection of foreign files."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation import contact_sheets
from fmbench.runs import finish
from fmbench.runs.preparation import check_runnable
from fmbench.storage.files import read_json
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow, MeasurementRow, OriginRow, TrainingRow
from fmbench.training.checkpoints import load_policy
from policies.catalogue import BACKBONES, POLICIES
from tests.fmbench.runs.small_experiment import CONFIG, run, without_opengl
from tests.fmbench.small_run import files_of
from tests.reseal import change_run
from tests.thorough import thoroughly


@pytest.fixture(autouse=True)
def no_opengl(monkeypatch: pytest.MonkeyPatch) -> None:
    without_opengl(monkeypatch)


@pytest.fixture
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


def test_two_tasks_three_policies_and_two_seeds_compose(data: Path, tmp_path: Path) -> None:
    config = replace(
        CONFIG,
        task=("PressEither", "ReachPose"),
        policy=("flow", "diffusion", "bc"),
        seeds=2,
        nfe=(1, 2, 4),
    )
    run(config, tmp_path / "run", data)
    rows = read_rows(tmp_path / "run" / "episodes.csv", EpisodeRow)
    # Of each task: expert and random, and for two seeds 3 x euler, ddpm and 3 x ddim, direct.
    assert len(rows) == 2 * (2 + 2 * (3 + 4 + 1)) * config.episodes
    assert not [row for row in rows if row.error or row.sim_unstable]
    for row in rows:
        declared = {"ddpm": 100, "": 0}.get(row.sampler, row.steps)
        assert row.nfe == declared
    assert {row.episode_seed for row in rows} == {row.episode_seed for row in rows[:3]}
    measured = read_rows(tmp_path / "run" / "measurements.csv", MeasurementRow)
    assert len(measured) == 2 * 2 * 8
    sizes = {(row.task, row.parameters) for row in measured}
    assert len(sizes) == 2, "the three objectives share one network"
    headlines = [row for row in measured if row.headline and row.task == "ReachPose"]
    assert [(row.policy, row.sampler, row.steps) for row in headlines[::2]] == [
        ("flow", "euler", 4),
        ("diffusion", "ddpm", 100),
        ("bc", "direct", 1),
    ]
    trained = read_rows(tmp_path / "run" / "training.csv", TrainingRow)
    assert {(r.task, r.policy, r.train_seed, r.update) for r in trained} == {
        (task, policy, seed, 6)
        for task in config.task
        for policy in config.policy
        for seed in (0, 1)
    }
    assert len(list((tmp_path / "run" / "figures").glob("contact_sheet_*.png"))) == 6
    origins = read_rows(tmp_path / "run" / "cells.csv", OriginRow)
    assert [row.cell for row in origins] == [row.cell for row in rows[:: config.episodes]]
    assert len({row.weights_hash for row in origins}) == 1 + 2 * 3 * 2


@pytest.mark.parametrize(
    ("policy", "prediction"),
    [("flow", "velocity"), ("diffusion", "epsilon"), ("diffusion", "v_prediction")],
)
def test_predictions_compose(policy: str, prediction: str, data: Path, tmp_path: Path) -> None:
    config = replace(
        CONFIG, policy=(policy,), prediction=prediction, pred_horizon=7, exec_horizon=3
    )
    run(config, tmp_path, data)
    assert not any(row.error for row in read_rows(tmp_path / "episodes.csv", EpisodeRow))


@pytest.mark.parametrize("backbone", thoroughly(BACKBONES, always=["mlp"]))
def test_backbones_compose_with_every_policy(backbone: str, data: Path, tmp_path: Path) -> None:
    config = replace(
        CONFIG, policy=("flow", "diffusion", "bc"), backbone=backbone, pred_horizon=7,
        exec_horizon=3,
    )  # fmt: skip
    run(config, tmp_path, data)
    assert not any(row.error for row in read_rows(tmp_path / "episodes.csv", EpisodeRow))
    (size,) = {r.parameters for r in read_rows(tmp_path / "measurements.csv", MeasurementRow)}
    policy, _ = load_policy(tmp_path / "checkpoints" / "PressEither-flow-seed0")
    assert policy.config.backbone == backbone
    assert sum(parameter.numel() for parameter in policy.parameters()) == size


def test_every_policy_composes_and_resumes(data: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, policy=tuple(POLICIES), seeds=2, pred_horizon=7, exec_horizon=3)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path, data, "knn training")
    run(config, tmp_path, data)
    rows = read_rows(tmp_path / "episodes.csv", EpisodeRow)
    assert not any(row.error for row in rows)
    evaluations = {row.policy: row.nfe for row in rows if row.sampler != "ddim"}
    declared = {"mip": 2, "bc": 1, "gmm": 1, "knn": 0}
    assert {name: evaluations[name] for name in declared} == declared
    costs = [r for r in read_rows(tmp_path / "measurements.csv", MeasurementRow) if r.headline]
    assert {row.policy for row in costs if not row.parameters} == {"knn"}
    assert {row.updates for row in costs} == {6}
    trained = {row.policy for row in read_rows(tmp_path / "training.csv", TrainingRow)}
    assert trained == {*POLICIES} - {"knn"}
    text = (tmp_path / "summary.md").read_text()
    assert "PressEither: policies differ in parameters: " in text
    assert "| knn | nearest |" in text


def test_run_json_states_the_provenance_of_the_rows(data: Path, tmp_path: Path) -> None:
    run(CONFIG, tmp_path, data)
    facts = read_json(tmp_path / "run.json")
    assert facts["config"] == CONFIG.to_json()
    assert facts["complete"] is True
    assert facts["command"] == "the command"
    assert {"python", "torch", "mujoco", "numpy"} <= set(facts["versions"])
    assert set(facts["machine"]) == {"system", "processor", "cores"}
    made = facts["demonstrations"]["PressEither"]
    rows = read_rows(tmp_path / "cells.csv", OriginRow)
    learned = [row for row in rows if row.policy == "flow"]
    assert {row.demonstrations_hash for row in learned} == {made["sha256"][:16]}
    assert {row.commit for row in rows} == {facts["commit"]}
    assert {row.config_hash for row in learned} == {CONFIG.cell_hash("flow")}
    (versions,) = {row.versions for row in rows}
    assert f"torch={facts['versions']['torch']} " in versions
    before = files_of(tmp_path)
    assert "is complete" in run(CONFIG, tmp_path, data)
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("stop_in", ["random episodes", "euler2-seed0 episodes", "flow training"])
def test_a_stopped_run_resumes_to_the_same_rows(
    stop_in: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "draw_all", lambda out: None)
    run(CONFIG, tmp_path / "whole", data)
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, tmp_path / "parts", data, stop_in)
    assert read_json(tmp_path / "parts" / "run.json")["complete"] is False
    assert not (tmp_path / "parts" / "episodes.csv").exists()
    assert "Resuming" in run(CONFIG, tmp_path / "parts", data)
    for name in ("episodes.csv", "cells.csv", "training.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_stopped_demonstrations_are_not_stored_and_start_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, tmp_path / "run", tmp_path / "data", "demonstrations")
    assert [path.name[0] for path in (tmp_path / "data").iterdir()] == ["."]  # the lock
    printed = run(CONFIG, tmp_path / "run", tmp_path / "data")
    assert "demonstrations: 4 kept, 0 of 4 attempts failed, 4/4 replayed exactly" in printed


def rejection(config: RunConfig, out: Path, data: Path) -> str:
    before = files_of(out) if out.is_dir() else None
    with pytest.raises(FmbenchError) as caught:
        run(config, out, data)
    assert (files_of(out) if out.is_dir() else None) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_another_configuration_is_rejected_with_the_differences(data: Path, tmp_path: Path) -> None:
    run(CONFIG, tmp_path, data)
    message = rejection(replace(CONFIG, updates=7, nfe=(1, 2)), tmp_path, data)
    assert message == (
        f"{tmp_path} holds another run (updates: 6 there, 7 now); give another --out"
    )
    change_run(tmp_path, task_hashes={"PressEither": "0" * 64})
    assert f"PressEither: {'0' * 12}... there" in rejection(CONFIG, tmp_path, data)


@pytest.mark.parametrize("text", ["{}", "[]", "", '{"config": [1], "task_hashes": {}}', "\x00"])
def test_foreign_run_files_are_rejected(text: str, data: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    assert str(tmp_path / "run.json") in rejection(CONFIG, tmp_path, data)


def test_folders_with_other_files_are_rejected(data: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert "is not empty and holds no run; give another --out" in rejection(CONFIG, tmp_path, data)


def test_truncated_rows_are_rejected(data: Path, tmp_path: Path) -> None:
    run(CONFIG, tmp_path, data)
    cell = tmp_path / "cells" / "PressEither-random.csv"
    cell.write_text("".join(cell.read_text().splitlines(keepends=True)[:-1]))
    assert f"{cell} was changed after it was written" in rejection(CONFIG, tmp_path, data)


def test_runs_that_are_impossible_here_are_rejected_before_any_work(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device, message in (
        ("gpu", "known: cpu, cuda, cuda:N"),
        ("cuda:1", "give cpu (this machine"),
    ):
        assert message in rejection(replace(CONFIG, device=device), tmp_path / "run", data)
    mixed = replace(CONFIG, policy=("flow", "diffusion"), prediction="velocity")
    assert rejection(mixed, tmp_path / "run", data) == (
        "--prediction is 'velocity', which is not available for diffusion; "
        "known: flow: sample, velocity; diffusion: sample, epsilon, v_prediction"
    )
    assert not (tmp_path / "run").exists()


def test_a_sampler_without_steps_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"euler": POLICIES["flow"].limits["euler"]._replace(lowest=5)}
    monkeypatch.setitem(POLICIES, "flow", replace(POLICIES["flow"], limits=limits))
    with pytest.raises(
        FmbenchError, match="--nfe is 2; euler, the sampler of flow, takes 5 or more"
    ):
        check_runnable(CONFIG)


def test_without_opengl_only_the_contact_sheet_is_missing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_library(*arguments: object) -> None:
        raise RuntimeError("Rendering needs an OpenGL library; install libegl1.")

    monkeypatch.setattr(contact_sheets, "TaskRenderer", no_library)
    printed = run(CONFIG, tmp_path, data)
    assert (
        printed.count("No contact sheet of PressEither-flow-euler2-seed0: Rendering needs an") == 1
    )
    assert read_json(tmp_path / "run.json")["complete"] is True
    assert not list(tmp_path.rglob("contact_sheet*"))
