"""Small pictures of a square, and encoders to look at them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from policies.catalogue import ENCODERS
from policies.encoders import EncoderOptions, PictureEncoder, PictureShape, make_encoder

SHAPE = PictureShape(cameras=2, height=64, width=64)
SIDE = 16
GAIN = 1.27
"""Keeps the maps of an untrained detector near unit size: less and they are almost 0 and equal."""
VARIANTS = {
    "random projected": ("random", EncoderOptions(grid="projected")),
    "random yolo12": ("random", EncoderOptions(like="yolo12")),
    "resnet18 spatial_softmax": ("resnet18", EncoderOptions(head="spatial_softmax")),
}
"""Encoders with other options than the defaults."""
KINDS = sorted([*ENCODERS, *VARIANTS])
TRAINED = [kind for kind in KINDS if not ENCODERS[kind.partition(" ")[0]].frozen]
SEEING = [kind for kind in KINDS if kind != "blind"]
FROZEN = [kind for kind in KINDS if kind not in TRAINED]


def square(*corners: tuple[int, int], shape: PictureShape = SHAPE) -> Tensor:
    """Return grey pictures with a white square in each camera, one row for each corner."""
    rows = torch.full((len(corners), *shape.dims), 90, dtype=torch.uint8)
    for row, (y, x) in zip(rows, corners, strict=True):
        row[:, y : y + SIDE, x : x + SIDE] = 255
    return rows


def noise(count: int, seed: int = 0, shape: PictureShape = SHAPE) -> Tensor:
    """Return pictures of random pixels."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape.dims), dtype=torch.uint8, generator=generator)


def needs_extra(kind: str) -> None:
    """Skip a test where the packages of an encoder are not installed."""
    if ENCODERS[kind.partition(" ")[0]].extra == "yolo" or kind == "random yolo12":
        pytest.importorskip("ultralytics", exc_type=ImportError)


def make(kind: str, folder: Path, shape: PictureShape = SHAPE) -> PictureEncoder:
    """Build one of `KINDS`; a detector's weights are drawn from a fixed seed."""
    needs_extra(kind)
    name, options = VARIANTS.get(kind, (kind, EncoderOptions()))
    if "weights" in ENCODERS[name].reads and ENCODERS[name].extra:
        options = replace(options, weights=str(detector_file(folder)))
    if name == "boxes":
        options = replace(options, threshold=0.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make_encoder(name, shape, options)


def detector_file(folder: Path, classes: tuple[str, ...] = ("cube", "ball", "goal")) -> Path:
    """Write the weights of an untrained detector that tells pictures apart."""
    from policies.encoders.detector_file import Manifest, detector_bytes
    from policies.encoders.yolo_network import make_detector

    path = folder / "detector.safetensors"
    if not path.exists():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            detector = make_detector("yolo12n", len(classes))
            for name, module in detector.named_modules():
                if isinstance(module, torch.nn.Conv2d) and "dfl" not in name:
                    module.weight.data.normal_(std=GAIN / module.weight[0].numel() ** 0.5)
            for branch in (*detector.model[-1].cv2, *detector.model[-1].cv3):
                branch[-1].weight.data.normal_(std=5.0)
                branch[-1].bias.data.zero_()
        manifest = Manifest(classes, made_with={"seed": 0})
        path.write_bytes(detector_bytes(manifest, detector.state_dict()))
    return path
