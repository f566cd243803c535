"""Bad input about what policies see: one line, exit code 2, and nothing is written."""

import importlib.util
import shutil
from ctypes.util import find_library
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fmbench.data.array_store import ARRAY_FILE
from fmbench.run import main
from policies.encoders.detector_file import Manifest, detector_bytes
from tests.fmbench.small_run import SMALL, call, finish, start
from tests.thorough import thoroughly

FEATURES, PIXELS = ("--observation", "features"), ("--observation", "pixels")
RANDOM = (*SMALL, *FEATURES, "--encoder", "random", "--image-size", "32", "--no-latency")
PLATFORMS = ("osmesa", "glfw", "disabled", "nonsense")
VIT = (*FEATURES, "--encoder", "vit", "--encoder-model", "test_vit", "--encoder-weights")

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with files that are no weights, or those of other networks."""
    tensors = {"a": torch.zeros(1)}
    torch.save(tensors, tmp_path / "best.pt")
    (tmp_path / "junk.safetensors").write_bytes(b"no safetensors file")
    save_file(tensors, tmp_path / "other.safetensors")
    (tmp_path / "detector.safetensors").write_bytes(detector_bytes(Manifest(("cube",)), tensors))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rejection(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run the command, which must fail by bad input; return its only line."""
    assert call(main, *SMALL, *words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    return printed.err.removeprefix("error: ").rstrip()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            (*FEATURES, "--encoder", "yolo12"),
            "--encoder is 'yolo12', which needs --encoder-weights, a safetensors file (python -m "
            "fmbench.detector makes it)",
        ),
        (
            (*FEATURES, "--encoder", "yolo12", "--encoder-weights", "none.safetensors"),
            "--encoder-weights is none.safetensors, which is no file; give one that is",
        ),
        (
            (*FEATURES, "--encoder", "boxes", "--encoder-weights", "best.pt"),
            "--encoder-weights is best.pt; give a file that ends in .safetensors (python -m "
            "fmbench.detector --import makes it of a detector's .pt)",
        ),
        (
            (*FEATURES, "--encoder", "yolo12", "--encoder-weights", "junk.safetensors"),
            "--encoder is yolo12; junk.safetensors is not a safetensors file: ",
        ),
        ((*VIT, "none.safetensors"), "--encoder-weights is none.safetensors, which is no file; "),
        ((*VIT, "best.pt"), "--encoder-weights is best.pt; give a file that ends in .safetensors "),
        ((*VIT, "junk.safetensors"), "--encoder is vit; junk.safetensors is not a safetensors "),
        (
            (*FEATURES, "--encoder", "random", "--cameras", "right-frnt"),
            "--cameras of PressEither: unknown camera of PressEither 'right-frnt'; did you mean "
            "right-front? known: main, right-front",
        ),
        (
            (*FEATURES, "--encoder", "random", "--cameras", "main", "main"),
            "--cameras is main main; give each name once",
        ),
        (
            (*PIXELS, "--encoder", "vit", "--image-size", "100"),
            "--encoder is vit; the height of the pictures is 100; vit takes multiples of 8, e.g. "
            "96 or 104",
        ),
        (
            (*FEATURES, "--encoder", "random", "--image-size", "16"),
            "--encoder is random; the height of the pictures is 16; random takes 32 or more",
        ),
        (
            (*FEATURES, "--encoder", "random", "--image-size", "8"),
            "--image-size is 8; give a whole number from 16 to 480",
        ),
        (
            (*FEATURES, "--encoder", "random", "--policy", "knn"),
            "--observation is features, which knn cannot use: it compares states; leave it out, or "
            "give --observation state",
        ),
        (
            ("--encoder", "random"),
            "--encoder is random, which has no effect on --observation state; add --observation "
            "pixels or features",
        ),
        (
            ("--encoder-weights", "best.pt"),
            "--encoder-weights is best.pt, which has no effect on --observation state; ",
        ),
        (
            (*FEATURES, "--encoder", "resnet18"),
            "--encoder is 'resnet18' with --observation features; give one that is frozen: ",
        ),
        (
            (*PIXELS, "--encoder", "random"),
            "--encoder is 'random' with --observation pixels; give one that is trained: resnet18, "
            "vit",
        ),
        ((*FEATURES, "--encoder", "randm"), "unknown encoder 'randm'; did you mean random? known:"),
        ((*FEATURES, "--renderer", "ray"), "unknown renderer 'ray'; did you mean rays? known: "),
    ],
)
def test_what_cannot_be_seen_is_answered_in_one_line(
    words: tuple[str, ...], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.iterdir())
    assert rejection(capsys, *words, "--out", "out", "--data", "data").startswith(message)
    assert sorted(here.iterdir()) == before


@pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is not None, reason="the extra is installed"
)
@pytest.mark.parametrize(
    ("words", "encoder", "package", "extra"),
    [
        (("yolo12", "--encoder-weights", "detector.safetensors"), "yolo12", "ultralytics", "yolo"),
        (("boxes", "--encoder-weights", "detector.safetensors"), "boxes", "ultralytics", "yolo"),
        (("random", "--like", "yolo12"), "random", "ultralytics", "yolo"),
        (
            ("vit", "--encoder-model", "test_vit", "--encoder-weights", "other.safetensors"),
            "vit",
            "timm",
            "vision",
        ),
    ],
)
def test_a_missing_extra_is_named_with_its_command(
    words: tuple[str, ...],
    encoder: str,
    package: str,
    extra: str,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sorted(here.iterdir())
    line = rejection(capsys, *FEATURES, "--encoder", *words, "--out", "out", "--data", "data")
    assert line.startswith(f"--encoder is {encoder}; ")
    assert line.endswith(f" needs {package}: python -m pip install -e '.[{extra}]'")
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize("platform", thoroughly(PLATFORMS, always=["disabled", "nonsense"]))
def test_opengl_that_does_not_start_is_one_line(platform: str, tmp_path: Path) -> None:
    if platform == "osmesa" and find_library("OSMesa"):
        pytest.skip("OSMesa is installed")
    words = ("-m", "fmbench.run", *RANDOM, "--renderer", "opengl", "--out", "out", "--data", "data")
    code, out, error = finish(start(tmp_path, *words, MUJOCO_GL=platform, DISPLAY=""))
    assert (code, out) == (2, ""), error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert platform in error
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def seen(demonstrations_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of demonstrations, their pictures and features; copy it before changing it."""
    folder = tmp_path_factory.mktemp("seen")
    data = folder / "data"
    shutil.copytree(demonstrations_folder, data / demonstrations_folder.name)
    assert call(main, *RANDOM, "--out", folder / "run", "--data", data) == 0
    return data


@pytest.mark.parametrize("kind", thoroughly(["features", "pictures"], always=["pictures"]))
def test_a_truncated_array_is_named_before_anything_is_written(
    kind: str, seen: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(seen, tmp_path / "data"))
    if kind == "pictures":  # are read where there are no features
        (features,) = data.glob("*-features-*/")
        shutil.rmtree(features)
    (array,) = data.glob(f"*-{kind}-*/{ARRAY_FILE}")
    array.write_bytes(array.read_bytes()[:-100])
    capsys.readouterr()
    line = rejection(capsys, *RANDOM, "--out", tmp_path / "run", "--data", data)
    expected = f"{array} was changed after it was written (sha256 differs); delete {array.parent}"
    assert line == expected
    assert not (tmp_path / "run").exists()
    shutil.rmtree(array.parent)
    assert call(main, *RANDOM, "--out", tmp_path / "run", "--data", data) == 0
