"""The networks of ultralytics: equal to what it computes itself, and its import undone."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from policies.encoders import EncoderOptions, FrozenEncoder, PictureShape, make_encoder
from policies.encoders.boxes import BOX_NUMBERS, BoxesEncoder
from policies.encoders.grid import GridEncoder
from tests.policies.encoders.scenes import detector_file, noise

pytest.importorskip("ultralytics", exc_type=ImportError)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return detector_file(tmp_path_factory.mktemp("detector"))


@pytest.fixture(scope="module")
def detector(weights: Path) -> Any:
    from policies.encoders.yolo_network import load_detector

    return load_detector(weights)[0].eval()


def make(name: str, shape: PictureShape, weights: Path, **options: Any) -> FrozenEncoder:
    encoder = make_encoder(name, shape, EncoderOptions(weights=str(weights), **options))
    assert isinstance(encoder, FrozenEncoder)
    return encoder


def as_ultralytics(pictures: Tensor) -> Tensor:
    """RGB from 0 to 1, as its own loader gives pictures to the network."""
    return (pictures[:, 0].permute(0, 3, 1, 2).float() / 255).contiguous()


@pytest.mark.parametrize("side", [96, 64])
def test_features_are_those_that_its_head_sees(side: int, weights: Path, detector: Any) -> None:
    shape = PictureShape(1, side, side)
    encoder, pictures = make("yolo12", shape, weights, grid="full"), noise(3, shape=shape)
    seen: list[Tensor] = []
    hook = detector.model[-1].register_forward_pre_hook(lambda _, given: seen.extend(given[0]))
    with torch.no_grad():
        detector(as_ultralytics(pictures))  # a complete pass of its own
    hook.remove()
    assert isinstance(encoder, GridEncoder)
    with torch.no_grad():
        maps = encoder.network(pictures[:, 0])
    assert [tuple(each.shape[1:]) for each in maps] == [
        (64, side // 8, side // 8),
        (128, side // 16, side // 16),
        (256, side // 32, side // 32),
    ]
    for ours, theirs in zip(maps, seen, strict=True):
        assert (ours - theirs).abs().max() < 1e-5
        assert theirs.std() > 0.02
    expected = torch.cat([each.flatten(1) for each in seen], dim=1)
    assert (encoder.extract(pictures).float() - expected).abs().max() < 1e-3 * expected.abs().max()


def test_boxes_are_those_that_it_decodes(weights: Path, detector: Any) -> None:
    shape = PictureShape(1, 64, 96)
    encoder, pictures = make("boxes", shape, weights, threshold=0.0), noise(4, shape=shape)
    assert isinstance(encoder, BoxesEncoder)
    assert encoder.classes == ("cube", "ball", "goal")
    with torch.no_grad():
        decoded, _ = detector(as_ultralytics(pictures))
        boxes, confidences = encoder.decode(encoder.maps(pictures[:, 0]))
    assert decoded.shape == (4, 4 + 3, 8 * 12 + 4 * 6 + 2 * 3)
    assert (boxes - decoded[:, :4]).abs().max() < 1e-4 * decoded[:, :4].abs().max()
    assert (confidences - decoded[:, 4:]).abs().max() < 1e-5
    raw = encoder.extract(pictures).float().reshape(4, 3, BOX_NUMBERS)
    for row, each in zip(raw, decoded, strict=True):
        for found, confidence in zip(row, each[4:], strict=True):
            place = int(confidence.argmax())
            expected = each[:4, place] / torch.tensor([96.0, 64.0, 96.0, 64.0])
            torch.testing.assert_close(found[:4], expected, atol=2e-3, rtol=2e-3)
            torch.testing.assert_close(found[4], confidence[place], atol=1e-3, rtol=1e-3)


def test_a_class_without_a_confident_box_is_zero(weights: Path) -> None:
    shape = PictureShape(1, 64, 64)
    pictures = noise(6, shape=shape)
    raw = make("boxes", shape, weights, threshold=0.0).extract(pictures).unflatten(1, (3, 5))
    low, high = raw[..., 4].float().aminmax()
    threshold = float(low + high) / 2
    made = make("boxes", shape, weights, threshold=threshold)
    limited = made.extract(pictures).unflatten(1, (3, 5))
    kept = raw[..., 4].float() >= threshold
    assert kept.any()
    assert made.fingerprint() != make("boxes", shape, weights, threshold=0.9).fingerprint()
    assert not kept.all()
    assert torch.equal(limited[kept], raw[kept])
    assert not limited[~kept].any()


def test_thirty_numbers_for_three_classes_and_two_cameras(weights: Path) -> None:
    encoder = make("boxes", PictureShape(2, 32, 32), weights)
    assert encoder.raw_dim == encoder.feature_dim == 30
    assert not list(encoder.head.parameters())


def test_sizes_between_strides_are_padded_and_boxes_are_fractions_of_the_picture(
    weights: Path,
) -> None:
    small, large = PictureShape(1, 50, 40), PictureShape(1, 64, 64)
    pictures = noise(2, shape=small)
    padded = torch.full((2, *large.dims), 114, dtype=torch.uint8)
    padded[:, :, :50, :40] = pictures
    features = make("yolo12", small, weights).extract(pictures)
    assert torch.equal(features, make("yolo12", large, weights).extract(padded))
    boxes = make("boxes", small, weights, threshold=0.0).extract(pictures).unflatten(1, (3, 5))
    other = make("boxes", large, weights, threshold=0.0).extract(padded).unflatten(1, (3, 5))
    scale = torch.tensor([64 / 40, 64 / 50, 64 / 40, 64 / 50, 1])
    torch.testing.assert_close(boxes.float(), other.float() * scale, atol=3e-3, rtol=3e-3)


def test_the_file_of_another_network_is_rejected_in_one_line(weights: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from policies.encoders.detector_file import Manifest, detector_bytes

    tensors = load_file(weights)
    path = tmp_path / "other.safetensors"
    for manifest, message in (
        (Manifest(("cube", "ball", "goal"), "yolo12s"), "not hold the weights of yolo12s for 3"),
        (Manifest(("cube",)), "not hold the weights of yolo12n for 1 classes: model.21.cv3"),
    ):
        path.write_bytes(detector_bytes(manifest, tensors))
        with pytest.raises(ValueError, match=message) as caught:
            make("yolo12", PictureShape(1, 32, 32), path)
        assert "\n" not in str(caught.value)
    path.write_bytes(detector_bytes(Manifest(("cube", "ball", "goal")), {"a": torch.zeros(1)}))
    with pytest.raises(ValueError, match=r"it lacks model\.0\.conv\.weight, .* \(\d+ of"):
        make("boxes", PictureShape(1, 32, 32), path)


def test_loading_a_detector_uses_no_draw_of_the_global_generator(weights: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    from policies.encoders.yolo_network import load_detector

    network = load_detector(weights)[0]
    assert torch.equal(torch.rand(2), expected)
    assert isinstance(network, nn.Module)


SNAPSHOT = """
import logging, os, random, signal, socket, sys, threading, warnings
from pathlib import Path
import numpy as np, torch
if {cv2_first}:
    import cv2
    cv2.setNumThreads(3)
import matplotlib, policies
asked = []
resolve, connect = socket.getaddrinfo, socket.socket.connect
socket.getaddrinfo = lambda *a, **k: asked.append(a) or resolve(*a, **k)
socket.socket.connect = lambda s, a: asked.append(a)

def snapshot():
    return {{
        "numpy": str(np.get_printoptions()), "shown": str(np.array([1 / 3, 1e10])),
        "torch": str(vars(torch._tensor_str.PRINT_OPTS)), "save": torch.save, "load": torch.load,
        "environment": dict(os.environ), "filters": list(warnings.filters),
        "handlers": list(logging.root.handlers), "level": logging.root.level,
        "hooks": (sys.excepthook, sys.displayhook), "stdout": sys.stdout,
        "threads": (torch.get_num_threads(), [t.name for t in threading.enumerate()]),
        "signals": [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)],
        "random": (torch.get_rng_state().sum(), str(np.random.get_state()), random.getstate()),
        "path": list(sys.path), "matplotlib": dict(matplotlib.rcParams),
        "timeout": socket.getdefaulttimeout(), "asked": list(asked),
        "cuda": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "home": sorted(Path.home().rglob("*")), "here": sorted(Path.cwd().iterdir()),
    }}

before = snapshot()
from policies.encoders.yolo_network import load_detector
import cv2
after = snapshot()
load_detector(sys.argv[1])
last = snapshot()
print([key for key in before if not before[key] == after[key] == last[key]])
if {cv2_first}:
    print(cv2.getNumThreads())
else:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(-1)
    print(threads == cv2.getNumThreads())
"""


@pytest.mark.parametrize("cv2_first", [True, False])
def test_importing_it_changes_nothing_and_asks_nobody(
    cv2_first: bool, weights: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SNAPSHOT.format(cv2_first=cv2_first), str(weights)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(home), "PATH": "", "MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["[]", "3" if cv2_first else "True"]
