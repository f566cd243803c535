"""The command `python -m fmbench.export` for a trained policy: files, card, mistakes."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from envs.registry import make_task
from fmbench import export as command
from fmbench.errors import FmbenchError
from fmbench.portable.hub_folder import open_hub_folder
from fmbench.report.statistics import wilson_interval
from fmbench.runs.saved_run import open_saved_run
from fmbench.runs.wanted_policy import WantedPolicy, choose
from fmbench.storage.episode_files import read_episodes
from fmbench.storage.hashes import sha256_file
from policies import ChunkActor
from tests.fmbench.portable.elsewhere import check_no_places
from tests.fmbench.small_run import call, files_of

TASK = make_task("PressEither")
FLOW = "PressEither-flow-seed0"


@pytest.fixture(scope="module")
def hub(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the Hub; copy it before changing anything in it."""
    out = tmp_path_factory.mktemp("exported") / "hub"
    words = ("--format", "hub", "--policy", finished_run / "checkpoints" / FLOW, "--out", out)
    assert call(command.main, *words) == 0
    return out


def test_facts_are_those_of_run_task_and_rows(finished_run: Path, hub: Path) -> None:
    facts = json.loads((hub / "config.json").read_text(encoding="utf-8"))
    run = open_saved_run(finished_run)
    assert facts["task"]["id"] == TASK.id
    assert facts["task"]["hash"] == run.facts.task_hashes["PressEither"]
    assert facts["task"]["control_period_s"] == TASK.control_period_s
    assert [(f["name"], f["size"], f["unit"]) for f in facts["task"]["fields"]] == [
        (field.name, field.size, field.unit) for field in TASK.fields()
    ]
    assert [action["name"] for action in facts["task"]["actions"]] == list(TASK.action_names)
    use = facts["use"]
    assert (use["obs_horizon"], use["exec_horizon"]) == (run.config.obs_horizon, 8)
    assert (use["sampler"], use["steps"], use["nfe"]) == ("euler", 2, 2)
    training = facts["training"]
    weights = finished_run / "checkpoints" / FLOW / "ema.safetensors"
    assert (
        training["weights_hash"] == sha256_file(weights) == sha256_file(hub / "model.safetensors")
    )
    demonstrations = run.facts.demonstrations
    assert demonstrations is not None
    assert training["demonstrations_hash"] == demonstrations["PressEither"].sha256
    rows = [row for row in read_episodes(finished_run).rows if row.policy == "flow"]
    solved, low, high = (
        sum(row.success for row in rows),
        *wilson_interval(sum(row.success for row in rows), len(rows)),
    )
    assert facts["success"] == {
        "successes": solved,
        "episodes": len(rows),
        "low": pytest.approx(low, abs=1e-6),
        "high": pytest.approx(high, abs=1e-6),
        "first_seed": rows[0].episode_seed,
    }


def test_the_folder_gives_the_runs_policy_again(
    finished_run: Path, hub: Path, tmp_path: Path
) -> None:
    download = tmp_path / "download"
    shutil.copytree(hub, download)
    (download / ".gitattributes").write_text("*.safetensors filter=lfs\n")  # as the Hub adds
    policy, facts = open_hub_folder(download)
    trained, _ = open_saved_run(finished_run).load("PressEither", "flow", 0)
    assert facts["fmbench_policy"] == 1
    use: Any = facts["use"]
    actor = ChunkActor(
        policy, use["obs_horizon"], use["exec_horizon"], use["sampler"], use["steps"]
    )
    actor.reset(np.array([0]), np.array([3_000_000]))
    window = np.zeros((1, use["obs_horizon"], use["obs_dim"]), np.float32)
    assert actor.act(np.array([0]), window).actions.shape == (1, use["exec_horizon"], 14)
    weights = policy.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in trained.state_dict().items())
    config = download / "config.json"
    config.write_text(config.read_text().replace('"steps": 2', '"steps": 3'))
    with pytest.raises(FmbenchError, match=r"config\.json is not as python -m fmbench\.export"):
        open_hub_folder(download)
    shutil.copyfile(hub / "config.json", config)
    (download / "model.safetensors").write_bytes(b"x" * 99)
    with pytest.raises(FmbenchError, match=r"model\.safetensors was changed after it was written"):
        open_hub_folder(download)


def test_the_same_command_writes_the_same_bytes_without_a_place(
    finished_run: Path, hub: Path, tmp_path: Path
) -> None:
    words = ("--format", "hub", "--policy", finished_run, "--name", "flow", "--task", "PressEither")
    assert call(command.main, *words, "--out", tmp_path / "again") == 0
    assert files_of(tmp_path / "again") == files_of(hub)
    for name, content in files_of(hub).items():
        check_no_places(content if name == "model.safetensors" else content.replace(b"`", b" "))


def test_the_hub_reads_the_head_of_the_card(hub: Path) -> None:
    hub_library: Any = pytest.importorskip("huggingface_hub")
    data = hub_library.ModelCard.load(hub / "README.md").data
    facts = json.loads((hub / "config.json").read_text(encoding="utf-8"))
    assert (data.library_name, data.license, data.pipeline_tag) == ("fmbench", "mit", "robotics")
    (result,) = data.eval_results
    assert (result.metric_type, result.dataset_type) == ("success_rate", TASK.id)
    success = facts["success"]
    assert result.metric_value == pytest.approx(success["successes"] / success["episodes"])


def test_a_sampler_without_rows_has_no_success(finished_run: Path, tmp_path: Path) -> None:
    words = ("--format", "hub", "--policy", finished_run, "--steps", "7")
    assert call(command.main, *words, "--out", tmp_path / "hub") == 0
    card = (tmp_path / "hub" / "README.md").read_text(encoding="utf-8")
    assert "Not known: the run did not evaluate this sampler (`euler`, 7 steps)." in card
    assert "model-index" not in card


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("onnx",), "--out is missing; give a new file that ends in .onnx"),
        (("onnx", "--out", "x.pt2"), "--out is x.pt2; give a new file that ends in .onnx"),
        (("hub", "--out", "."), ". exists; give another --out, or remove it"),
        (
            ("hub", "--out", "x"),
            "--policy is missing; give the folder of a run, or of a checkpoint",
        ),
        (
            ("hub", "--out", "x", "--episodes", "3"),
            "--episodes is given; --format hub exports a trained policy, --episodes is for lerobot",
        ),
        (("hub", "--out", "x", "--data", "y"), "--data is given; --format hub exports a trained"),
        (
            ("lerobot", "--out", "x", "--train-seed", "3"),
            "--train-seed is given; --format lerobot exports demonstrations, --train-seed is for "
            "torch-export, onnx, hub",
        ),
        (("hub", "--out", "x", "--policy", "nowhere"), "nowhere does not exist; give the folder"),
        (("hub", "--out", "x", "--policy", "RUN", "--name", "flw"), "unknown policy of RUN 'flw'"),
        (
            ("hub", "--out", "x", "--policy", "RUN", "--task", "LiftCube"),
            "unknown task of RUN 'LiftCube'; known: PressEither",
        ),
        (
            ("hub", "--out", "x", "--policy", "RUN", "--train-seed", "1"),
            "--train-seed is 1; RUN has seed 0",
        ),
        (
            ("hub", "--out", "x", "--policy", "RUN/checkpoints/PressEither-flow-seed3"),
            "unknown checkpoint of RUN 'PressEither-flow-seed3'; did you mean PressEither-flow",
        ),
        (
            ("torch-export", "--out", "x.pt2", "--policy", "RUN", "--sampler", "rk45"),
            "PressEither-flow-seed0 cannot be exported: rk45 chooses its steps anew for every",
        ),
        (
            ("hub", "--out", "x", "--policy", "RUN", "--sampler", "ddim"),
            "unknown sampler for Flow 'ddim'; known: euler",
        ),
        (
            ("onnx", "--out", "x.onnx", "--policy", "RUN", "--steps", "100000"),
            "--steps is 100000; give a whole number from 0 to 1000",
        ),
    ],
)
def test_mistakes_are_told_in_one_line_and_nothing_is_written(
    words: tuple[str, ...],
    message: str,
    finished_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "RUN").symlink_to(finished_run)
    monkeypatch.chdir(tmp_path)
    assert call(command.main, "--format", *words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: {message}")
    assert [path.name for path in tmp_path.iterdir()] == ["RUN"]


def test_a_file_that_is_there_is_named_rather_than_its_card(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.pt2"
    out.touch()
    (tmp_path / "x.pt2.md").touch()
    words = ("--format", "torch-export", "--policy", finished_run, "--out", out)
    assert call(command.main, *words) == 2
    assert capsys.readouterr().err == f"error: {out} exists; give another --out, or remove it\n"


def test_one_policy_of_several_is_chosen_by_flags_or_by_its_folder(finished_run: Path) -> None:
    run = open_saved_run(finished_run)
    config = dataclasses.replace(run.config, policy=("flow", "bc"), seeds=2)
    run = dataclasses.replace(run, config=config)

    def chosen(path: Path = finished_run, **asked: Any) -> tuple[str, str, int]:
        return choose(run, WantedPolicy(path, **asked))

    assert chosen(name="bc", train_seed=1) == ("PressEither", "bc", 1)
    place = finished_run / "checkpoints" / FLOW
    assert chosen(place) == chosen(place, name="flow") == ("PressEither", "flow", 0)
    listed = r"has 4 trained policies \(PressEither-flow-seed0, .*\); choose one by --name, --tr"
    with pytest.raises(FmbenchError, match=listed):
        chosen()
    with pytest.raises(FmbenchError, match=r"has 2 trained .*; choose one by --train-seed$"):
        chosen(name="bc")
    with pytest.raises(FmbenchError, match=r"is flow on PressEither with training seed 0; leave"):
        chosen(place, name="bc")


def test_a_missing_package_is_named_with_the_extra_that_has_it(
    finished_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "ONNX_PACKAGES", ("no_such_package",))
    words = ("--format", "onnx", "--policy", finished_run, "--out", tmp_path / "x.onnx")
    assert call(command.main, *words) == 2
    assert capsys.readouterr().err == (
        "error: --format onnx needs the package no_such_package; install it with: "
        "python -m pip install -c constraints.txt -e '.[onnx]'\n"
    )
