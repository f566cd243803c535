"""Runs of seconds with encoders of the extras `yolo` and `vision`, whose weights the tests make."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from envs.registry import make_task
from fmbench.run import main
from policies.encoders.feature_head import FeatureHead
from tests.fmbench.small_run import ROOT, SMALL, call, finish, start
from tests.policies.encoders.scenes import detector_file

FEATURES, PIXELS = ("--observation", "features"), ("--observation", "pixels")
QUICK = ("--no-latency", "--out", "run", "--data", "data")
VIT = "test_vit"
"""A small model of timm's own tests: patch 16."""

needs_yolo = pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is None, reason="needs the extra yolo"
)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("ultralytics", exc_type=ImportError)
    return detector_file(tmp_path_factory.mktemp("detector"))


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    timm = pytest.importorskip("timm", exc_type=(ImportError, RuntimeError))
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("timm") / "model.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_file(timm.create_model(VIT).state_dict(), path)
    return path


def finished(cwd: Path, *words: object) -> dict[str, Any]:
    """Run a command that must succeed; return what `run.json` says of the run in `run`."""
    code, out, error = finish(start(cwd, *words, *QUICK))
    assert code == 0, error
    assert out.splitlines()[-1] == "Rows, tables and figures: run/"
    rows = pd.read_csv(cwd / "run" / "episodes.csv")
    assert set(rows["policy"]) == {"expert", "random", "flow"}
    assert rows["error"].isna().all()
    facts: dict[str, Any] = json.loads((cwd / "run" / "run.json").read_text(encoding="utf-8"))
    return facts


@needs_yolo
@pytest.mark.parametrize("encoder", ["yolo12", "boxes"])
def test_features_of_a_detector_are_learnt_from(
    encoder: str, detector: Path, tmp_path: Path
) -> None:
    words = ("-m", "fmbench.run", *SMALL, *FEATURES, "--encoder", encoder)
    facts = finished(tmp_path, *words, "--encoder-weights", detector, "--image-size", 32)
    assert facts["config"]["encoder_weights"] == detector.name
    assert facts["sights"]["PressEither"].startswith("rays main ")


@pytest.mark.parametrize("observation", [PIXELS, FEATURES])
def test_a_model_of_timm_is_trained_or_frozen(
    observation: tuple[str, str], vit: Path, tmp_path: Path
) -> None:
    words = ("-m", "fmbench.run", *SMALL, *observation, "--encoder", "vit", "--image-size", 32)
    facts = finished(tmp_path, *words, "--encoder-weights", vit, "--encoder-model", VIT)
    assert facts["config"]["encoder_model"] == VIT


@needs_yolo
def test_the_design_of_the_example_sees_128_numbers_and_decides_one_action(
    detector: Path, tmp_path: Path
) -> None:
    script = ROOT / "examples" / "yolo_hand.py"
    words = ("--preset", "smoke", "--demos", 4, "--updates", 6, "--episodes", 1, "--image-size", 32)
    facts = finished(tmp_path, script, f"--weights={detector}", *words)
    config, task = facts["config"], make_task("TurnDial")
    assert (config["task"], config["nfe"], config["backbone"]) == (["TurnDial"], [10], "mlp")
    assert facts["sights"]["TurnDial"].startswith("rays main right ")
    (manifest,) = (tmp_path / "run").glob("checkpoints/*/manifest.json")
    policy = json.loads(manifest.read_text(encoding="utf-8"))["policy"]
    assert (policy["pred_horizon"], policy["obs_horizon"], policy["act_dim"]) == (1, 1, 14)
    assert policy["obs_dim"] - policy["seen_dim"] == task.agent_dim == 2 * task.act_dim
    head = FeatureHead(policy["seen_dim"], policy["groups"], policy["features"])
    assert head.feature_dim == 128
    rows = pd.read_csv(tmp_path / "run" / "episodes.csv")
    flow = rows[rows["policy"] == "flow"]
    assert set(flow["sampler"]) == {"euler"}
    assert set(flow["steps"]) == {10}
    assert (flow["decisions"] == flow["length"]).all()


@needs_yolo
def test_weights_of_another_architecture_are_one_line(
    detector: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file, save

    from policies.encoders.detector_file import Manifest, detector_bytes

    other = tmp_path / "other.safetensors"
    where = ("--out", tmp_path / "run", "--data", tmp_path / "data")
    words = (*SMALL, *FEATURES, "--encoder", "yolo12", "--encoder-weights", other, *where)
    tensors = load_file(detector)
    files = [
        (
            detector_bytes(Manifest(("cube",)), tensors),
            "does not hold the weights of yolo12n for",
        ),
        (save(tensors), "has no manifest of a detector; give a file that the detector command"),
    ]
    for content, message in files:
        other.write_bytes(content)
        assert call(main, *words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: --encoder is yolo12; {other} {message}")
    assert list(tmp_path.iterdir()) == [other]


def test_weights_of_another_timm_model_are_one_line(
    vit: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--out", tmp_path / "run", "--data", tmp_path / "data")
    words = (*SMALL, *FEATURES, "--encoder", "vit", "--encoder-weights", vit, *where)
    for model, message in [
        ("vit_tiny_patch16_224", f"{vit} does not hold the weights of vit_tiny_patch16_224: it "),
        ("test_vitt", "unknown model of timm 'test_vitt'; did you mean test_vit"),
    ]:
        assert call(main, *words, "--encoder-model", model) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: --encoder is vit; {message}")
    words = (*words, "--encoder-model", VIT, "--image-size", 40)
    assert call(main, *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert (
        "the height of the pictures is 40; test_vit (patch 16 x 16) takes multiples of 16" in line
    )
    assert list(tmp_path.iterdir()) == []
