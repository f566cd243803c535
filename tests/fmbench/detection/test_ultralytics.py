"""Training and import with ultralytics: from the command to features, alone, offline and ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from envs.pictures.renderer import open_renderer
from envs.pictures.states import picture_states
from envs.registry import make_task
from envs.world import World
from fmbench.detection.classes import CLASSES
from policies.encoders import EncoderOptions, PictureShape, make_encoder
from policies.encoders.detector_file import read_manifest
from tests.fmbench.small_run import ROOT, finish, start

pytest.importorskip("ultralytics", exc_type=ImportError)
pytestmark = pytest.mark.slow

SPY = """
import os, socket
def told(real):
    def ask(*words, **options):
        with open(os.environ["SPY"], "a") as file:
            file.write(f"{words}\\n")
        return real(*words, **options)
    return ask
socket.getaddrinfo = told(socket.getaddrinfo)
socket.socket.connect = told(socket.socket.connect)
"""
"""A `sitecustomize` that writes down whom any process asks for an address or connects to."""
TINY = ("--episodes", "1", "--pictures", "4", "--epochs", "1", "--image-size", "64")
TRAIN = ("--task", "LiftCube", "PressEither", *TINY, "--renderer", "rays")


class Place:
    """A folder in which commands run, with a home and temporary files of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.temporary = folder / "work", folder / "home", folder / "tmp"
        self.spied = folder / "spied"
        site = folder / "site"
        for each in (self.folder, self.home, self.temporary, site):
            each.mkdir()
        (site / "sitecustomize.py").write_text(SPY, encoding="utf-8")
        self.environment = {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": os.pathsep.join((str(site), str(ROOT))),
            "SPY": str(self.spied),
            "MPLCONFIGDIR": str(folder),
        }

    def start(self, *words: object, **options: Any) -> "subprocess.Popen[str]":
        return start(self.folder, "-m", "fmbench.detector", *words, **self.environment, **options)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, str, str]:
    place = Place(tmp_path_factory.mktemp("trained"))
    code, out, err = finish(place.start(*TRAIN, "--out", "sub/own.safetensors"))
    assert code == 0, err
    return place, out, err


def pictures(name: str, cameras: tuple[str, ...], size: int) -> torch.Tensor:
    task = make_task(name)
    world = World(task, 3)
    world.reset(world.all_rows, 2_000_000 + world.all_rows)
    renderer = open_renderer(task, cameras, size, "rays")
    drawn = renderer.draw(picture_states(world, world.all_rows))
    renderer.close()
    return torch.from_numpy(drawn)


def test_a_trained_file_gives_features_and_boxes(trained: tuple[Place, str, str]) -> None:
    place, out, err = trained
    path = place.folder / "sub" / "own.safetensors"
    manifest = read_manifest(path)
    assert (manifest.classes, manifest.architecture) == (CLASSES, "yolo12n")
    made = manifest.made_with
    assert made["tasks"] == ["LiftCube", "PressEither"]
    assert made["cameras"]["LiftCube"] == ["main", "right-front"]
    assert (made["size"], made["epochs"], made["seed"], made["renderer"]) == (64, 1, 0, "rays")
    assert "AGPL-3.0" in made["license"]
    for name in ("LiftCube", "PressEither"):
        cameras = tuple(made["cameras"][name])
        shape = PictureShape(len(cameras), 64, 64)
        drawn = pictures(name, cameras, 64)
        for encoder, dim in (("yolo12", 128 * 2), ("boxes", 30)):
            options = EncoderOptions(weights=str(path))
            made_encoder = make_encoder(encoder, shape, options)
            assert made_encoder.feature_dim == dim
            assert made_encoder(drawn).isfinite().all()
    lines = out.splitlines()
    assert lines[0].split()[:5] == ["held-out", "pictures", "boxes", "mAP50", "mAP50-95"]
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["LiftCube", "8"],
        ["PressEither", "8"],
        ["all", "16"],
    ]
    assert lines[-1] == "saved in sub/own.safetensors"
    assert "LiftCube, training episodes: pictures: done in" in err


def test_nobody_was_asked_and_nothing_else_was_written(trained: tuple[Place, str, str]) -> None:
    place, _, _ = trained
    assert not place.spied.exists(), place.spied.read_text()
    assert place.names() == ["sub"]
    assert [path.name for path in (place.folder / "sub").iterdir()] == ["own.safetensors"]
    assert list(place.temporary.iterdir()) == []
    assert list(place.home.iterdir()) == []


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(
    trained: tuple[Place, str, str], place: Place
) -> None:
    first = (trained[0].folder / "sub" / "own.safetensors").read_bytes()
    for seed in (0, 1):
        words = (*TRAIN, "--seed", seed, "--out", f"{seed}.safetensors")
        assert finish(place.start(*words))[0] == 0
        assert ((place.folder / f"{seed}.safetensors").read_bytes() == first) == (seed == 0)


def test_what_it_trains_for_longer_finds_the_cube(place: Place) -> None:
    words = ("--task", "LiftCube", "--episodes", "8", "--pictures", "8", "--epochs", "40")
    more = ("--image-size", "64", "--cameras", "main", "--renderer", "rays")
    process = place.start(*words, *more, "--out", "own.safetensors")
    out, _ = process.communicate(timeout=280)
    assert process.returncode == 0
    head, row = (line.split() for line in out.splitlines()[:2])
    assert head[5:7] == ["object", "mAP50"]
    assert float(row[5]) > 0.3, out


def group_of(process: "subprocess.Popen[str]") -> list[int]:
    """Return the processes that a command has started."""
    done = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    return [int(word) for word in done.stdout.split()]


def wait_until_it_trains(place: Place, process: "subprocess.Popen[str]") -> list[int]:
    deadline = time.monotonic() + 100
    while not list(place.temporary.rglob("run/args.yaml")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return group_of(process)


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def wait_for_the_end(place: Place, workers: list[int]) -> None:
    deadline = time.monotonic() + 120  # a busy machine
    while not all(map(has_ended, workers)) or list(place.temporary.iterdir()):
        assert time.monotonic() < deadline, (workers, list(place.temporary.rglob("*"))[:5])
        time.sleep(0.01)


LONG = (*TRAIN, "--epochs", "1000", "--out", "own.safetensors")


@pytest.mark.faults
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_training_leaves_nothing(number: signal.Signals, place: Place) -> None:
    process = place.start(*LONG, stdout=subprocess.PIPE)
    workers = wait_until_it_trains(place, process)
    assert workers
    process.send_signal(number)
    code, out, err = finish(process)
    if number != signal.SIGKILL:
        assert (code, out, err.splitlines()[-1]) == (130, "", "interrupted")
        assert list(place.temporary.iterdir()) == []
    wait_for_the_end(place, workers)
    assert place.names() == []


@pytest.mark.faults
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_killed_worker_is_one_line(place: Place) -> None:
    process = place.start(*LONG)
    for pid in wait_until_it_trains(place, process):
        os.kill(pid, signal.SIGKILL)
    code, out, err = finish(process)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == (
        "error: the process in which ultralytics works ended with signal SIGKILL"
    )
    assert place.names() == []
    assert list(place.temporary.iterdir()) == []


def test_a_device_that_is_not_there_is_refused_before_anything_is_drawn(place: Place) -> None:
    for device in ("cuda:99", "tpu"):
        words = (*TRAIN, "--device", device, "--out", "own.safetensors")
        code, out, err = finish(place.start(*words))
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"error: --device is '{device}'; ")


def saved(path: Path, model: str, names: dict[int, str] | None = None) -> Any:
    """Save an untrained detector with ultralytics itself; return it.

    The bare name is looked for in its package. ultralytics 8.4.190 takes the scale out of a whole
    path: where a folder of it has a digit before one of n, s, l, m, x, the file is not found.
    """
    from ultralytics import YOLO

    yolo = YOLO(model, task="detect", verbose=False)
    if names:
        yolo.model.names = names
    yolo.save(str(path))
    return yolo


@pytest.mark.parametrize("half", [False, True])
def test_the_features_of_an_imported_detector_are_those_of_ultralytics(
    half: bool, place: Place
) -> None:
    torch.manual_seed(0)
    yolo = saved(place.folder / "best.pt", "yolo12n.yaml")
    if half:  # as its trainer saves
        content = {"model": None, "ema": yolo.model.half(), "epoch": 3}
        torch.save(content, place.folder / "best.pt")
    words = ("--import", "best.pt", "--trust", "--out", "own.safetensors")
    code, out, err = finish(place.start(*words))
    assert (code, err) == (0, "")
    assert out.startswith("yolo12n for 80 classes: ")
    assert out.endswith("saved in own.safetensors\n")
    assert not place.spied.exists()
    manifest = read_manifest(place.folder / "own.safetensors")
    assert manifest.made_with["imported_from"] == "best.pt"
    shape = PictureShape(1, 64, 64)
    options = EncoderOptions(weights=str(place.folder / "own.safetensors"), grid="full")
    encoder: Any = make_encoder("yolo12", shape, options)
    drawn = torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (2, 1, 64, 64, 3), dtype=np.uint8)
    )
    seen: list[torch.Tensor] = []
    network = yolo.model.float().eval()
    hook = network.model[-1].register_forward_pre_hook(lambda _, given: seen.extend(given[0]))
    with torch.no_grad():
        network(drawn[:, 0].permute(0, 3, 1, 2).float() / 255)
        maps = encoder.network(drawn[:, 0])
    hook.remove()
    for ours, theirs in zip(maps, seen, strict=True):
        assert (ours - theirs).abs().max() < 1e-5


def test_a_larger_detector_with_own_classes_is_accepted(place: Place) -> None:
    saved(place.folder / "best.pt", "yolo12s.yaml", {k: f"thing {k}" for k in range(80)})
    words = ("--import", "best.pt", "--trust", "--out", "own.safetensors")
    code, out, _ = finish(place.start(*words))
    assert code == 0
    assert out.startswith("yolo12s for 80 classes: thing 0, thing 1, ")
    assert read_manifest(place.folder / "own.safetensors").classes[2] == "thing 2"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no pickle", "best.pt cannot be read ("),
        ({"epoch": 3}, "best.pt holds no network but a dict; give a detector of yolo12n, yolo12s"),
        (torch.nn.Linear(2, 2), "best.pt holds Linear; give a detector of yolo12n, "),
        ("yolo11n.yaml", "best.pt holds yolo11n; give a detector of yolo12n, "),
    ],
    ids=["text", "dict", "another network", "another detector"],
)
def test_other_files_are_refused_in_one_line(content: Any, message: str, place: Place) -> None:
    path = place.folder / "best.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        saved(path, content)
    else:
        torch.save(content, path)
    words = ("--import", "best.pt", "--trust", "--out", "own.safetensors")
    code, out, err = finish(place.start(*words))
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.removeprefix("error: ").startswith(message)
    assert place.names() == ["best.pt"]
    assert list(place.temporary.iterdir()) == []


class Exit:
    """A pickle that ends the process which reads it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (7,)


def test_what_a_trusted_pickle_does_ends_with_its_process(place: Place) -> None:
    torch.save({"model": Exit()}, place.folder / "best.pt")
    words = ("--import", "best.pt", "--trust", "--out", "own.safetensors")
    code, out, err = finish(place.start(*words))
    assert (code, out) == (1, "")
    assert err == "error: the process in which ultralytics works ended with exit code 7\n"
    assert place.names() == ["best.pt"]
