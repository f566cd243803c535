"""Reflow learns from the flow of its own or of a finished run; mismatches are rejected."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fmbench import evaluate
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation import contact_sheets
from fmbench.report.results import read_results
from fmbench.report.training_cost import training_cost_line
from fmbench.runs import finish, trainer
from fmbench.storage.artefacts import MANIFEST
from fmbench.storage.files import read_json
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow, MeasurementRow, OriginRow
from fmbench.training.checkpoint_facts import EMA_FILE, OPTIMIZER_FILE, POLICY_FILE
from fmbench.training.checkpoints import load_policy
from fmbench.training.state import start_training
from tests.fmbench.runs.small_experiment import CONFIG, BlankRenderer, run
from tests.fmbench.runs.test_experiment import rejection
from tests.fmbench.small_run import call, files_of
from tests.reseal import change_run, reseal

FLOW, REFLOW = "PressEither-flow-seed0", "PressEither-reflow-seed0"
LEARNER = replace(CONFIG, policy=("reflow",))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheets, "TaskRenderer", BlankRenderer)
    monkeypatch.setattr(finish, "draw_all", lambda out: None)


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def teachers(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two seeds of flow; copy it before changing anything in it."""
    out = tmp_path_factory.mktemp("teachers") / "teachers"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contact_sheets, "TaskRenderer", BlankRenderer)
        patch.setattr(finish, "draw_all", lambda out: None)
        run(replace(CONFIG, seeds=2), out, data)
    return out


@pytest.fixture
def copy(teachers: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(teachers, tmp_path / "teachers"))


def learn_from(folder: Path, **changes: Any) -> RunConfig:
    return replace(LEARNER, from_run=str(folder), **changes)


def weights_of(out: Path, name: str) -> bytes:
    return (out / "checkpoints" / name / EMA_FILE).read_bytes()


def test_each_seed_learns_from_the_flow_of_its_seed(
    teachers: Path, data: Path, tmp_path: Path
) -> None:
    before = files_of(teachers)
    run(learn_from(teachers, seeds=2), tmp_path, data)
    assert files_of(teachers) == before
    facts = read_json(tmp_path / "run.json")
    assert facts["config"]["from_run"] == "teachers"
    flows = {
        f"PressEither-flow-seed{row.train_seed}": row.weights_hash
        for row in read_rows(teachers / "cells.csv", OriginRow)
        if row.policy == "flow"
    }
    assert facts["teachers"] == flows
    assert len(set(flows.values())) == 2
    for seed in (0, 1):
        policy, made = load_policy(tmp_path / "checkpoints" / f"PressEither-reflow-seed{seed}")
        assert made.origin["teacher"] == flows[f"PressEither-flow-seed{seed}"]
        assert policy.config.objective == "reflow"
    rows = read_rows(tmp_path / "episodes.csv", EpisodeRow)
    assert not any(row.error for row in rows)
    assert {row.policy for row in rows} == {"expert", "random", "reflow"}


@pytest.mark.parametrize("order", [("flow", "reflow"), ("reflow", "bc", "flow")])
def test_the_runs_own_flow_teaches_like_the_same_flow_of_another_run(
    order: tuple[str, ...], teachers: Path, data: Path, tmp_path: Path
) -> None:
    run(learn_from(teachers), tmp_path / "from", data)
    run(replace(CONFIG, policy=order), tmp_path / "own", data)
    assert weights_of(tmp_path / "own", REFLOW) == weights_of(tmp_path / "from", REFLOW)
    assert weights_of(tmp_path / "own", FLOW) == weights_of(teachers, FLOW)
    rows = read_rows(tmp_path / "own" / "episodes.csv", EpisodeRow)
    assert tuple(dict.fromkeys(row.policy for row in rows))[2:] == order
    there, here = (read_json(tmp_path / name / "run.json") for name in ("from", "own"))
    assert here["teachers"] == there["teachers"]
    assert "is complete" in run(replace(CONFIG, policy=order), tmp_path / "own", data)


@pytest.mark.parametrize(
    ("stop_in", "own"),
    [("reflow training", False), (" flow training", True), ("reflow training", True)],
)
def test_a_stopped_training_resumes_to_the_same_bytes(
    stop_in: str, own: bool, teachers: Path, data: Path, tmp_path: Path
) -> None:
    config = replace(CONFIG, policy=("reflow", "flow")) if own else learn_from(teachers)
    run(config, tmp_path / "whole", data)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "parts", data, stop_in)
    assert "Resuming" in run(config, tmp_path / "parts", data)
    parts, whole = (files_of(tmp_path / name) for name in ("parts", "whole"))
    names = [f"checkpoints/{REFLOW}/{file}" for file in (EMA_FILE, POLICY_FILE, OPTIMIZER_FILE)]
    for name in (*names, "episodes.csv", "cells.csv", "training.csv"):
        assert parts[name] == whole[name], name


def test_another_teacher_of_the_same_name_is_rejected_but_not_another_path(
    teachers: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "teachers"
    run(replace(CONFIG, learning_rate=2e-3), other, data)
    with pytest.raises(KeyboardInterrupt):
        run(learn_from(teachers), tmp_path / "run", data, "reflow training")
    message = rejection(learn_from(other), tmp_path / "run", data)
    assert f"{tmp_path / 'run'} holds another run ({FLOW}: " in message
    theirs = {row.weights_hash for row in read_rows(other / "cells.csv", OriginRow)} - {""}
    change_run(tmp_path / "run", teachers={FLOW: theirs.pop()})
    with pytest.raises(FmbenchError, match=r'other settings \(teacher: "'):
        run(learn_from(other), tmp_path / "run", data)
    (tmp_path / "run" / "run.json").unlink()
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        run(learn_from(teachers), tmp_path / "run", data, "reflow training")
    monkeypatch.chdir(teachers.parent)
    assert "Resuming" in run(learn_from(Path("teachers")), tmp_path / "run", data)


def test_evaluation_needs_no_teacher(copy: Path, data: Path, tmp_path: Path) -> None:
    run(learn_from(copy), tmp_path / "run", data)
    shutil.rmtree(copy)
    words = (tmp_path / "run", "--sampler", "heun", "--nfe", 4, "--out", tmp_path / "scored")
    assert call(evaluate.main, *words) == 0
    rows = read_rows(tmp_path / "scored" / "episodes.csv", EpisodeRow)
    assert {(row.policy, row.sampler, row.nfe) for row in rows if row.sampler} == {
        ("reflow", "heun", 4.0)
    }


@pytest.mark.parametrize(
    ("changes", "mismatches"),
    [
        ({"task": ("PressEither", "LiftCube")}, "(task: PressEither there, LiftCube now)"),
        ({"width": 24}, "(width: 16 there, 24 now)"),
        ({"depth": 2}, "(depth: 1 there, 2 now)"),
        ({"width": None, "depth": None, "size": "base"}, "(depth: 1 there, "),
        ({"backbone": "unet", "conditioning": "concat"}, "(backbone: mlp there, unet now)"),
        ({"conditioning": "film"}, "(conditioning: concat there, film now)"),
        ({"prediction": "velocity"}, "(prediction: sample there, velocity now)"),
        ({"obs_horizon": 3, "pred_horizon": 12}, "(obs_horizon: 2 there, 3 now; pred_horizon: 16"),
        ({"seeds": 3, "demos": 5}, "(seeds: 2 there, 3 now; demos: 4 there, 5 now)"),
        ({"noise": 0.5}, "(noise: 1.0 there, 0.5 now)"),
    ],
)
def test_other_runs_are_rejected_with_the_differences(
    changes: dict[str, Any], mismatches: str, teachers: Path, data: Path, tmp_path: Path
) -> None:
    message = rejection(learn_from(teachers, **changes), tmp_path / "run", data)
    assert message.startswith(f"--from is {teachers}; it must match this run {mismatches}")
    assert not list(tmp_path.iterdir())


def flip(folder: Path) -> None:
    path = folder / "checkpoints" / FLOW / EMA_FILE
    good = path.read_bytes()
    path.write_bytes(good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])


def mark_unfinished(folder: Path) -> None:
    change_run(folder, complete=False)


def mark_other_demonstrations(folder: Path) -> None:
    facts = read_json(folder / "checkpoints" / FLOW / MANIFEST)
    reseal(folder / "checkpoints" / FLOW, origin={**facts["origin"], "demonstrations": "f" * 64})


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (flip, "sha256 differs"),
        (
            lambda folder: shutil.rmtree(folder / "checkpoints" / FLOW),
            "does not exist; give a run that",
        ),
        (
            lambda folder: reseal(folder / "checkpoints" / FLOW, complete=False, update=1),
            "has not finished training",
        ),
        (mark_unfinished, "has not finished; its own command resumes it"),
        (
            mark_other_demonstrations,
            "it must match this run (demonstrations: ffffffffffffffff there",
        ),
        (shutil.rmtree, "does not exist; give the folder of a finished run"),
    ],
)
def test_damaged_unfinished_and_foreign_teachers_are_rejected(
    harm: Callable[[Path], None], message: str, copy: Path, data: Path, tmp_path: Path
) -> None:
    harm(copy)
    assert message in rejection(learn_from(copy), tmp_path / "run", data)
    assert not (tmp_path / "run").exists()


def test_runs_without_the_objective_are_rejected(data: Path, tmp_path: Path) -> None:
    run(replace(CONFIG, policy=("bc",)), tmp_path / "bc", data)
    message = rejection(learn_from(tmp_path / "bc"), tmp_path / "run", data)
    assert message.endswith("it must match this run (policy: bc there, flow needed)")


def test_demonstrations_made_later_are_still_compared(copy: Path, tmp_path: Path) -> None:
    mark_other_demonstrations(copy)
    with pytest.raises(FmbenchError, match=r"it must match this run \(demonstrations: ffffffff"):
        run(learn_from(copy), tmp_path / "run", tmp_path / "no demonstrations yet")


def test_a_learner_without_a_teacher_trains_it_first_and_counts_its_updates(
    teachers: Path, data: Path, tmp_path: Path
) -> None:
    learners = ("reflow", "consistency")
    log = run(replace(CONFIG, policy=learners), tmp_path, data)
    for learner, teacher in zip(learners, ("flow", "diffusion"), strict=True):
        line = f"{learner} learns from {teacher}, which is trained first (6 updates on top)"
        assert line in log
    assert weights_of(tmp_path, FLOW) == weights_of(teachers, FLOW)
    costs = read_rows(tmp_path / "measurements.csv", MeasurementRow)
    assert {row.policy for row in costs} == set(learners)
    assert {(row.updates, row.teacher_updates) for row in costs} == {(6, 6)}
    assert training_cost_line(read_results(tmp_path), "PressEither") == (
        "updates x network rows per window: reflow 6 x 11 + 6 of its teacher, "
        "consistency 6 x 3 + 6 of its teacher"
    )


def test_a_teacher_of_consistency_has_the_same_noise_schedule(data: Path, tmp_path: Path) -> None:
    run(replace(CONFIG, policy=("diffusion",)), tmp_path / "teacher", data)
    learner = replace(CONFIG, policy=("consistency",), from_run=str(tmp_path / "teacher"))
    message = rejection(replace(learner, schedule="linear"), tmp_path / "run", data)
    assert message.endswith("it must match this run (schedule: cosine there, linear now)")
    run(learner, tmp_path / "run", data)


def test_a_from_that_nothing_uses_is_rejected(data: Path, tmp_path: Path) -> None:
    alone = replace(CONFIG, policy=("flow", "bc"), from_run="runs/a")
    assert rejection(alone, tmp_path / "run", data) == (
        "--from is 'runs/a', which has no effect on flow, bc; it applies to reflow, consistency"
    )
    assert not (tmp_path / "run").exists()


def test_only_a_learner_is_given_its_teacher(
    teachers: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_teacher: dict[str, bool] = {}

    def spy(config: Any, *arguments: Any, **options: Any) -> Any:
        has_teacher[config.objective] = arguments[-1] is not None
        return start_training(config, *arguments, **options)

    monkeypatch.setattr(trainer, "start_training", spy)
    run(learn_from(teachers, policy=("reflow", "bc")), tmp_path, data)
    assert has_teacher == {"reflow": True, "bc": False}
