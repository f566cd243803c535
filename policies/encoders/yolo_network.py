"""The networks of ultralytics: the only module that imports it, and that undoes what that changes.

ultralytics has the license AGPL-3.0; a model that is exported with its layers inherits the
question. Import this module through `policies.registry.load`, which names a missing extra.

Importing ultralytics changes the print options of numpy and torch, cv2's threads, filters of
warnings, environment variables and `torch.save`, asks name servers whether there is a network, and
writes a settings file in the home folder. Afterwards all is as before, and nothing was asked or
written.
"""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from policies.encoders.base import channels_last
from policies.encoders.detector_file import ARCHITECTURES, Manifest, read_manifest
from policies.encoders.grid import Maps
from policies.encoders.pixels import unit
from policies.encoders.weight_files import read_into

STRIDE = 32
"""Coarsest stride; sides of pictures are padded to multiples of it."""
PADDING = 114 / 255
"""Grey level of padding, that of ultralytics."""
UNTRAINED_CLASSES = 3
LIBRARIES = "for opencv-python: apt install libgl1 libglib2.0-0 libxcb1"
CV2_DEFAULT = -1
"""What cv2 takes for the number of threads that it starts with."""


@contextmanager
def unchanged() -> Iterator[None]:
    """Restore after the block what importing ultralytics changes; see the module."""
    environment, save = dict(os.environ), torch.save
    numpy_options, torch_options = np.get_printoptions(), torch._tensor_str.PRINT_OPTS
    torch_before = {name: getattr(torch_options, name) for name in vars(torch_options)}
    threads = sys.modules["cv2"].getNumThreads() if "cv2" in sys.modules else CV2_DEFAULT
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        quiet = {"YOLO_CONFIG_DIR": folder, "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false"}
        os.environ.update(quiet | {"YOLO_AUTOINSTALL": "false"})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(environment)
            if "cv2" in sys.modules:
                sys.modules["cv2"].setNumThreads(threads)
            torch.save = save
            np.set_printoptions(**numpy_options)
            for name, value in torch_before.items():
                setattr(torch_options, name, value)


with unchanged():
    try:
        from ultralytics.nn.tasks import DetectionModel
        from ultralytics.utils import ROOT, YAML
    except ImportError as error:
        if ".so" not in str(error):
            raise
        raise ImportError(f"{error} ({LIBRARIES})") from error


class YoloMaps(nn.Module):
    """The part of a detector before its head: maps at strides 8, 16 and 32.

    Args:
        detector: The whole network; its modules are shared.
    """

    def __init__(self, detector: Any) -> None:
        super().__init__()
        *layers, head = detector.model
        self.layers = nn.ModuleList(layers)
        self.sources: tuple[int, ...] = tuple(head.f)
        self.kept: frozenset[int] = frozenset(detector.save)
        channels_last(self)

    def forward(self, pictures: Tensor) -> Maps:
        """Return the maps of pictures `(N, H, W, 3)` uint8, padded below and on the right."""
        height, width = pictures.shape[1:3]
        border = (0, -width % STRIDE, 0, -height % STRIDE)
        return self.maps(functional.pad(unit(pictures), border, value=PADDING))

    def maps(self, pixels: Tensor) -> Maps:
        """Return the maps of `(N, 3, H, W)` RGB from 0 to 1, with sides of multiples of 32."""
        outputs: dict[int, Tensor] = {}
        last = pixels
        for place, layer in enumerate(self.layers):
            source: Any = layer.f
            if isinstance(source, int):
                given: Any = last if source == -1 else outputs[source]
            else:
                given = [last if each == -1 else outputs[each] for each in source]
            last = layer(given)
            if place in self.kept:
                outputs[place] = last
        return tuple(outputs[place] for place in self.sources)


def untrained(architecture: str = ARCHITECTURES[0], classes: int = UNTRAINED_CLASSES) -> YoloMaps:
    """Return the maps of a network with initial weights from torch's global generator."""
    return YoloMaps(make_detector(architecture, classes))


def make_detector(architecture: str, classes: int) -> Any:
    """Return a whole network with initial weights from torch's global generator.

    Args:
        architecture: One of `policies.encoders.detector_file.ARCHITECTURES`.
        classes: Number of its classes.
    """
    # The file is named in full: a bare name would be looked for in the working directory, too.
    layers = YAML.load(Path(ROOT) / "cfg" / "models" / "12" / "yolo12.yaml")
    return DetectionModel(layers | {"scale": architecture[-1], "nc": classes}, verbose=False)


def load_detector(path: str | Path) -> tuple[Any, Manifest]:
    """Return a whole network with the weights of a file, and the file's manifest.

    Raises:
        ValueError: The file is missing, has no manifest, or does not fit its architecture.
    """
    manifest = read_manifest(path)
    with torch.random.fork_rng(devices=[]):  # weights that are replaced at once use up no draws
        detector = make_detector(manifest.architecture, len(manifest.classes))
    read_into(path, detector, f"{manifest.architecture} for {len(manifest.classes)} classes")
    return detector, manifest
