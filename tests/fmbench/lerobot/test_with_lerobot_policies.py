"""LeRobot's own policies, trained by LeRobot, act here as in LeRobot's own loop.

LeRobot is in environments of its own, see `.ci/extras`.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from fmbench import evaluate
from fmbench import export as export_command
from fmbench.data.store import Demonstrations
from fmbench.report.results import read_results
from fmbench.storage.hashes import short_hash
from tests.fmbench.lerobot.lerobot_import import import_torchvision
from tests.fmbench.lerobot.own_loop import (
    NAME,
    ROWS,
    SEEDS,
    SameNoise,
    actions_of,
    changed,
    load,
    own_actions,
)
from tests.fmbench.small_run import call, files_of

pytest.importorskip("lerobot")
pytestmark = pytest.mark.thorough
STEPS = 4
SMALL = {
    "act": (
        *("--policy.chunk_size=8", "--policy.n_action_steps=5", "--policy.dim_model=32"),
        *("--policy.n_heads=2", "--policy.dim_feedforward=32", "--policy.n_encoder_layers=1"),
    ),
    "diffusion": (
        *("--policy.down_dims=[32,64]", "--policy.horizon=16", "--policy.num_inference_steps=7"),
        *("--policy.n_obs_steps=3", "--policy.n_action_steps=3"),
    ),
}


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        import_torchvision()
        yield


@pytest.fixture(scope="module")
def data_set(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out, data = tmp_path_factory.mktemp("exported") / "data", demonstrations_folder.parent
    words = ("--format", "lerobot", "--task", NAME, "--episodes", "4", "--data", data, "--out", out)
    assert call(export_command.main, *words) == 0
    return out


@pytest.fixture(scope="module")
def checkpoints(data_set: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of ACT and DiffusionPolicy, as LeRobot's own training saves them."""
    folder = tmp_path_factory.mktemp("trained")
    return {kind: train(kind, data_set, folder / kind) for kind in SMALL}


def train(kind: str, data_set: Path, out: Path, *more: str) -> Path:
    """Train a few updates with LeRobot's command; return its last checkpoint."""
    from lerobot.scripts.lerobot_train import main

    words = (
        *("--dataset.repo_id=own/data", f"--dataset.root={data_set}", f"--output_dir={out}"),
        *(f"--policy.type={kind}", "--policy.push_to_hub=false", "--policy.device=cpu"),
        *("--wandb.enable=false", f"--steps={STEPS}", f"--save_freq={STEPS}", "--batch_size=8"),
        *("--num_workers=0", *SMALL[kind], *more),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["lerobot-train", *words])
        main()
    return out / "checkpoints" / "last" / "pretrained_model"


def test_act_acts_as_in_lerobots_loop(checkpoints: dict[str, Path], data_set: Path) -> None:
    make, loaded = load(checkpoints["act"])
    ours = actions_of(make(), SEEDS, ROWS)
    theirs = own_actions(loaded, data_set, SEEDS, loaded.policy.select_action)
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a, b)
    assert max(map(len, ours)) > 5  # more than one chunk


@pytest.mark.parametrize(
    ("scheduler", "horizon", "executed"), [("DDPM", 16, 3), ("DDIM", 16, 3), ("DDIM", 4, 2)]
)
def test_diffusion_acts_as_in_lerobots_loop(
    scheduler: str,
    horizon: int,
    executed: int,
    checkpoints: dict[str, Path],
    data_set: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = {"noise_scheduler_type": scheduler, "horizon": horizon}
    make, loaded = load(changed(checkpoints["diffusion"], tmp_path, **values))
    assert make().exec_horizon == executed
    ours = actions_of(make(), SEEDS, ROWS)
    noise = SameNoise(loaded.policy, SEEDS, monkeypatch)
    theirs = own_actions(loaded, data_set, SEEDS, noise.select)
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a, b)
    assert max(map(len, ours)) > executed  # more than one chunk


@pytest.mark.parametrize("kind", SMALL)
def test_an_episode_does_not_depend_on_its_batch(kind: str, checkpoints: dict[str, Path]) -> None:
    make, _ = load(checkpoints[kind])
    seeds = np.arange(3_000_000, 3_000_020)  # more than a batch
    together = actions_of(make(), seeds, 20)
    in_turn = actions_of(make(), seeds[::-1], 3)[::-1]
    alone = actions_of(make(), seeds[3:4], 1)
    for a, b in zip(together, in_turn, strict=True):
        assert np.array_equal(a, b)
    assert np.array_equal(alone[0], together[3])


def test_any_policy_acts_by_its_own_select_action(
    checkpoints: dict[str, Path], data_set: Path, tmp_path: Path
) -> None:
    values = {"temporal_ensemble_coeff": 0.01, "n_action_steps": 1}
    make, loaded = load(changed(checkpoints["act"], tmp_path, **values))
    assert type(make()).__name__ == "SteppedLeRobot"
    ours = actions_of(make(), SEEDS[:3], 2)
    for episode, seed in zip(ours, SEEDS[:3], strict=True):
        (alone,) = own_actions(loaded, data_set, np.array([seed]), loaded.policy.select_action)
        assert np.array_equal(episode, alone)


def test_noise_of_any_policy_is_that_of_its_episode(checkpoints: dict[str, Path]) -> None:
    from fmbench.lerobot_policy.stepped import SteppedLeRobot

    make, _ = load(checkpoints["diffusion"])
    policies = [SteppedLeRobot(*make.args) for _ in range(2)]  # type: ignore[attr-defined]
    together = actions_of(policies[0], SEEDS[:2], 2)
    torch.manual_seed(1)
    alone = actions_of(policies[1], SEEDS[1:2], 1)
    assert np.array_equal(alone[0], together[1])
    assert torch.initial_seed() == 1


@pytest.mark.parametrize(("kind", "evaluations"), [("act", 1), ("diffusion", 7)])
def test_the_command_writes_and_resumes_a_run(
    kind: str,
    evaluations: int,
    checkpoints: dict[str, Path],
    demonstrations: Demonstrations,
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    words = ("--lerobot", checkpoints[kind], "--task", NAME, "--episodes", 3, "--out", out)
    assert call(evaluate.main, *words) == 0
    before = files_of(out)
    results = read_results(out)
    name = f"lerobot-{kind}"
    rows = results.episodes[results.episodes["policy"] == name]
    assert (rows["nfe"] == evaluations).all()
    assert len(rows) == 3
    (origin,) = results.origins[results.origins["policy"] == name].to_dict("records")
    assert origin["demonstrations_hash"] == short_hash(demonstrations.sha256)  # what was exported
    assert "lerobot=" in origin["versions"]
    (cost,) = results.measurements.to_dict("records")
    assert cost["updates"] == STEPS
    config = results.run.config
    horizons = tuple(config[f"{part}_horizon"] for part in ("obs", "pred", "exec"))
    assert horizons == ((1, 8, 5) if kind == "act" else (3, 16, 3))
    (out / "episodes.csv").unlink()
    assert call(evaluate.main, *words) == 0
    assert untimed(files_of(out)) == untimed(before)


def untimed(files: dict[str, bytes]) -> dict[str, object]:
    """Return files without drawings of times, and without what says how long the command took."""
    facts = json.loads(files["run.json"])
    del facts["seconds"], facts["run_sha256"]
    return {**files, "run.json": facts}


def test_seeds_are_several_trainings(
    checkpoints: dict[str, Path], data_set: Path, tmp_path: Path
) -> None:
    other = train("act", data_set, tmp_path / "other", "--seed=7")
    out = tmp_path / "run"
    words = ("--lerobot", checkpoints["act"], other, "--task", NAME, "--episodes", 2, "--out", out)
    assert call(evaluate.main, *words) == 0
    rows = list(csv.DictReader(io.StringIO((out / "episodes.csv").read_text())))
    assert [row["train_seed"] for row in rows if row["policy"] == "lerobot-act"] == [*"0011"]


def test_what_lerobot_cannot_load_is_refused(
    checkpoints: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = changed(checkpoints["act"], tmp_path / "a", type="acting")
    assert call(evaluate.main, "--lerobot", folder, "--task", NAME) == 2
    assert "is a policy of type 'acting'; LeRobot" in capsys.readouterr().err
    folder = changed(checkpoints["act"], tmp_path / "b", dim_model=64)
    assert call(evaluate.main, "--lerobot", folder, "--task", NAME) == 2
    assert "cannot load" in capsys.readouterr().err
