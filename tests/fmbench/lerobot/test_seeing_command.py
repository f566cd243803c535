"""Policies of LeRobot that see: which pictures are refused, in one line, before any work."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envs.pictures.scene import picture_model
from fmbench.lerobot import layout
from fmbench.sight import drawing
from tests.fmbench.lerobot.stand_ins import NAME, TASK, change

SIZE, CAMERA = 16, "observation.images.right_front"
MAIN = "observation.images.main"
MODEL = picture_model(TASK, ("main", "right-front")).hash


@pytest.fixture
def seeing(checkpoint: Path, data_set: Path) -> Path:
    """Return a checkpoint that sees one of the two cameras of its data set."""
    picture = {"type": "VISUAL", "shape": [3, SIZE, SIZE]}
    change(checkpoint / "config.json", lambda c: c["input_features"].update({CAMERA: picture}))
    change(
        data_set / layout.INFO_FILE,
        lambda info: info["fmbench"].update(
            cameras={MAIN: "main", CAMERA: "right-front"},
            pictures={"size": SIZE, "renderer_renderer": "rays"},
        ),
    )
    return checkpoint


def test_what_is_accepted_is_said(seeing: Path, refusal: Callable[..., str]) -> None:
    change(seeing / "config.json", lambda c: c["input_features"][CAMERA].update(shape=[3, 9, 9]))
    assert refusal("--lerobot", seeing, "--task", NAME).endswith(
        f"{CAMERA} has the shape [3, 9, 9]; accepted of fmbench/PressEither-v2 are "
        "observation.state [29], observation.environment_state [8], and pictures [3, N, N], N from "
        "16 to 480 and the same, observation.images.main, observation.images.right_front"
    )


BAD_PICTURES: dict[str, tuple[dict[str, Any], str]] = {
    "of no camera": ({"observation.images.mian": [3, 16, 16]}, "observes observation.images.mian;"),
    "too large": ({CAMERA: [3, 481, 481]}, f"{CAMERA} has the shape [3, 481, 481]; accepted"),
    "channels last": ({CAMERA: [16, 16, 3]}, f"{CAMERA} has the shape [16, 16, 3]; accepted"),
    "not square": ({CAMERA: [3, 16, 24]}, f"{CAMERA} has the shape [3, 16, 24]; accepted"),
    "of two sizes": ({MAIN: [3, 24, 24]}, f"{MAIN} has the shape [3, 24, 24]; accepted"),
    "no shape": ({MAIN: None}, f"{MAIN} has the shape None; accepted"),
}


@pytest.mark.parametrize("case", BAD_PICTURES)
def test_pictures_that_are_not_drawn(case: str, seeing: Path, refusal: Callable[..., str]) -> None:
    shapes, message = BAD_PICTURES[case]
    more = {name: {"type": "VISUAL", "shape": shape} for name, shape in shapes.items()}
    change(seeing / "config.json", lambda c: c["input_features"].update(more))
    assert message in refusal("--lerobot", seeing, "--task", NAME)


BAD_SETS: dict[str, tuple[dict[str, Any], str]] = {
    "without pictures": (
        {"cameras": {}, "pictures": None},
        f"the policy observes {CAMERA} of 16 x 16 pixels, and it has no pictures; give --dataset",
    ),
    "without the camera": (
        {"cameras": {MAIN: "main"}},
        f"and it has {MAIN} of 16 x 16 pixels; give --dataset DIR",
    ),
    "of another size": (
        {"pictures": {"size": 32, "renderer_renderer": "rays"}},
        f"and it has {MAIN}, {CAMERA} of 32 x 32 pixels; give --dataset DIR",
    ),
    "of no renderer": ({"pictures": {"size": SIZE}}, "'pictures' has the size 16 and the renderer"),
    "of another scene": (
        {"pictures": {"size": SIZE, "renderer_renderer": "rays", "model": "ab" * 32}},
        "or its cameras as they were before (model abababababab... there, ",
    ),
    "by an unknown renderer": (
        {"pictures": {"size": SIZE, "renderer_renderer": "ray"}},
        "'pictures' has the size 16 and the renderer 'ray'; give the data set as fmbench.export",
    ),
}


@pytest.mark.parametrize("case", BAD_SETS)
def test_data_sets_of_other_pictures(
    case: str, seeing: Path, data_set: Path, refusal: Callable[..., str]
) -> None:
    ours, message = BAD_SETS[case]
    change(data_set / layout.INFO_FILE, lambda info: info["fmbench"].update(ours))
    assert message in refusal("--lerobot", seeing, "--task", NAME)


def test_a_renderer_that_does_not_start_is_said(
    seeing: Path, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*words: object) -> None:
        raise RuntimeError("no OpenGL here; install libegl1")

    monkeypatch.setattr(drawing, "open_renderer", fails)
    line = refusal("--lerobot", seeing, "--task", NAME)
    assert "data were drawn by rays; no OpenGL here; install libegl1" in line


def test_other_pictures_of_the_same_demonstrations_are_refused(
    seeing: Path, data_set: Path, tmp_path: Path, refusal: Callable[..., str]
) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    shutil.copytree(data_set, again)
    change(again / layout.INFO_FILE, lambda info: info["fmbench"]["pictures"].update(model=MODEL))
    shutil.copytree(seeing, other)
    (other / "model.safetensors").write_bytes(b"other weights")
    change(other / "train_config.json", lambda c: c["dataset"].update(root=str(again)))
    line = refusal("--lerobot", seeing, other, "--task", NAME)
    assert f"{other} has learnt from pictures that were drawn otherwise than those of" in line
