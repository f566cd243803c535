"""Training of YOLO12n by ultralytics' own trainer, without network, files of it, or plots.

ultralytics has the license AGPL-3.0. This module runs in `fmbench.detection.worker` alone, whose
process ends with the training.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import ultralytics
from torch import nn
from ultralytics.data import build_yolo_dataset
from ultralytics.models.yolo.detect import DetectionTrainer

from fmbench.detection.dataset import HELD_OUT, STRIDE, TRAINING, padded_side, pictures_folder
from fmbench.detection.worker import OVERALL, UNITS
from fmbench.storage.files import write_new
from policies.encoders.base import channels_last
from policies.encoders.detector_file import ARCHITECTURES, Manifest, detector_bytes
from policies.encoders.yolo_network import make_detector

ARCHITECTURE = ARCHITECTURES[0]
LEAST_BATCH, MOST_BATCH, UPDATES = 16, 64, 100
"""Pictures of an update, and the updates of an epoch for which they are few."""
FIXED: dict[str, Any] = {
    "model": f"{ARCHITECTURE}.yaml",  # never read: `_Trainer.get_model` makes the network
    "amp": False,  # a check of it would download other weights
    "pretrained": False,
    "plots": False,  # fonts for plots would be downloaded
    "verbose": False,
    "save": False,
    "val": False,  # but after the last epoch
    "deterministic": True,
    # Cameras do not move: no picture is mirrored, which of two equal cubes is the first is told by
    # its place, and there are no mosaics of four pictures.
    "fliplr": 0.0,
    "mosaic": 0.0,
    "scale": 0.2,
}


class _Trainer(DetectionTrainer):  # type: ignore[misc]
    """The trainer, with our network, pictures as they are, and nothing written.

    Args:
        job: See `train`.
        on_batch: Called after every batch with the share that is done.
    """

    def __init__(self, job: dict[str, Any], on_batch: Callable[[float], None]) -> None:
        self._job, self._folder = job, Path(job["folder"])
        self._on_batch, self._batches = on_batch, 0
        count = len(list(pictures_folder(self._folder, TRAINING).rglob("*.png")))
        batch = _batch(count)
        names = ("epochs", "seed", "device")
        overrides = FIXED | {name: job[name] for name in names} | {"batch": batch, "nbs": batch}
        place = {"project": str(self._folder), "name": "run", "imgsz": padded_side(job["size"])}
        super().__init__(overrides=overrides | place)
        self.callbacks: dict[str, list[object]] = {}

    def run_callbacks(self, event: str) -> None:
        """Call none of the trackers of experiments that happen to be installed."""
        if event == "on_train_batch_end":
            self._batches += 1
            self._on_batch(self._batches / (len(self.train_loader) * self.epochs))

    def get_dataset(self) -> dict[str, Any]:
        """Return where the pictures are; the original would look for fonts on the network."""
        names = dict(enumerate(self._job["classes"]))
        parts = {"train": TRAINING, "val": HELD_OUT}
        places = {key: str(pictures_folder(self._folder, part)) for key, part in parts.items()}
        return {**places, "path": self._folder, "names": names, "nc": len(names), "channels": 3}

    def get_model(self, cfg: object = None, weights: object = None, verbose: bool = True) -> Any:
        """Return an untrained network, a function of the seed."""
        del cfg, weights, verbose
        torch.manual_seed(self._job["seed"])
        return channels_last(make_detector(ARCHITECTURE, len(self._job["classes"])))

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
        """Return pictures; held-out ones are not framed, as those of a policy are not."""
        return build_yolo_dataset(
            self.args, img_path, batch, self.data, mode=mode, rect=False, stride=STRIDE
        )

    def save_model(self) -> bool:
        """Write no checkpoint."""
        return False

    def final_eval(self) -> None:
        """Keep the last weights: the best on held-out episodes would be chosen by these."""


def train(job: dict[str, Any], on_progress: Callable[[int], None]) -> dict[str, Any]:
    """Train a detector and write its weights.

    Args:
        job: `folder` with the pictures of `fmbench.detection.dataset`, `classes` and `tasks`,
            `size` of the pictures, `epochs`, `seed`, `device`, `made_with` for the manifest, and
            `target`, the file to write.
        on_progress: Called with what is done of `UNITS`.

    Returns:
        For each task, and for "all": numbers of held-out pictures and boxes, mAP50 and mAP50-95,
        and mAP50 by class.
    """
    trainer = _Trainer(
        {**job, "device": _device(job["device"])}, lambda share: on_progress(int(share * UNITS))
    )
    trainer.train()
    held_out = pictures_folder(Path(job["folder"]), HELD_OUT)
    measured = {task: _measure(trainer, held_out / task) for task in job["tasks"]}
    measured[OVERALL] = _measure(trainer, held_out)
    versions = {"torch": torch.__version__, "ultralytics": ultralytics.__version__}
    overall = {name: measured[OVERALL][name] for name in ("mAP50", "mAP50-95")}
    manifest = Manifest(
        tuple(job["classes"]), ARCHITECTURE, {**job["made_with"], **versions, **overall}
    )
    network: nn.Module = trainer.ema.ema
    write_new(Path(job["target"]), detector_bytes(manifest, network.float().state_dict()))
    return measured


def _device(device: str) -> str:
    """Return a device as ultralytics names it: cpu, or the number of a CUDA device."""
    return device if device == "cpu" else str(torch.device(device).index or 0)


def _batch(pictures: int) -> int:
    """Return the pictures of an update: few, until an epoch has enough updates.

    No batch has one picture alone, which has no variance.
    """
    size = min(max(pictures // UPDATES, LEAST_BATCH), MOST_BATCH)
    return next((batch for batch in range(size, 1, -1) if pictures % batch != 1), size)


def _measure(trainer: _Trainer, pictures: Path) -> dict[str, Any]:
    """Return the quality of the trained network on held-out pictures, as ultralytics defines it."""
    loader = trainer.get_dataloader(str(pictures), trainer.batch_size, mode="val")
    trainer.validator.dataloader = loader
    trainer.validator(trainer)
    box, names = trainer.validator.metrics.box, trainer.data["names"]
    labels = loader.dataset.labels
    return {
        "pictures": len(labels),
        "boxes": sum(len(label["cls"]) for label in labels),
        "mAP50": round(float(box.map50), 4),
        "mAP50-95": round(float(box.map), 4),
        "classes": {
            names[int(k)]: round(float(value), 4)
            for k, value in zip(box.ap_class_index, box.ap50, strict=True)
        },
    }
