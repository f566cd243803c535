"""The data set on which a policy of LeRobot was trained: found, checked, and its scaling."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from envs.task import Task
from fmbench.errors import FmbenchError
from fmbench.lerobot import layout
from fmbench.lerobot.columns import Scaling
from fmbench.lerobot.conventions import data_set_of
from fmbench.lerobot.drawn import Drawn
from fmbench.lerobot.information import check_version, described, scaling_of
from fmbench.lerobot_policy.checkpoint import PROCESSORS, LeRobotCheckpoint
from fmbench.storage.files import read_json

FLAG = "--dataset"
NORMALISERS = ("normalizer_processor", "unnormalizer_processor")
"""The registered names of LeRobot's steps that normalise observations, and actions back."""
NEEDED = {
    "MEAN_STD": ("mean", "std"),
    "MIN_MAX": ("min", "max"),
    "QUANTILES": ("q01", "q99"),
    "QUANTILE10": ("q10", "q90"),
}
"""LeRobot's ways to normalise, and the statistics of each. It leaves out a feature without them."""
OF_PICTURES = ("min", "max", "q10", "q50", "q90")
"""The statistics of pictures by which a data set is recognised."""


@dataclass(frozen=True)
class TrainingSet:
    """What a policy has learnt from.

    Attributes:
        folder: The data set.
        scaling: The map of the environment state; None if the task has none.
        demonstrations: Hash of the demonstrations, of those that were exported if all were used.
        demos: Their number.
        drawn: How its pictures were drawn; None if the policy observes none.
    """

    folder: Path
    scaling: Scaling | None
    demonstrations: str
    demos: int
    drawn: Drawn | None = None


def training_set(
    checkpoint: LeRobotCheckpoint, name: str, task: Task, given: Path | None
) -> TrainingSet:
    """Find the data set of a checkpoint, and check that it is the task's as it is now.

    Args:
        checkpoint: The checkpoint.
        name: Name of the task in the registry.
        task: The task.
        given: The folder that the user gave; None for the one that the checkpoint names.

    Raises:
        FmbenchError: It is not here, is no export of this version of the task, or has other
            statistics than those with which the policy normalises.
    """
    folder = _folder(checkpoint, given)
    _, ours, _ = described(folder, task)
    path = folder / layout.INFO_FILE
    stated = ours.get("demonstrations")
    if not isinstance(stated, str) or not isinstance(ours.get("episodes"), int):
        raise FmbenchError(
            f"{path} has no entry {layout.OURS!r} of an export, so that the version of the task "
            f"and the scaling of {layout.ENVIRONMENT} are not known; python -m fmbench.export "
            "--format lerobot writes data sets with it"
        )
    check_version(folder, task, ours)
    drawn = _drawn(checkpoint, folder, ours)
    check_statistics(checkpoint.folder, folder, f"{FLAG} DIR")
    sha256, demos = _used(checkpoint.training.get("dataset"), stated, ours["episodes"])
    return TrainingSet(folder, scaling_of(folder, task, ours), sha256, demos, drawn)


def _drawn(checkpoint: LeRobotCheckpoint, folder: Path, ours: Mapping[str, Any]) -> Drawn | None:
    """Return how the pictures were drawn that a policy observes; None if it observes none.

    Raises:
        FmbenchError: The data set has no such pictures, or of another size.
    """
    if not checkpoint.pictures:
        return None
    drawn = Drawn.read(folder, ours)
    for name, size in checkpoint.pictures.items():
        if drawn is None or name not in drawn.cameras or drawn.size != size:
            cameras = ", ".join(drawn.cameras) if drawn else "no pictures"
            has = f"{cameras} of {drawn.size} x {drawn.size} pixels" if drawn else cameras
            raise FmbenchError(
                f"{folder} is not the data set of {checkpoint.folder}: the policy observes {name} "
                f"of {size} x {size} pixels, and it has {has}; give {FLAG} DIR"
            )
    return drawn


def _folder(checkpoint: LeRobotCheckpoint, given: Path | None) -> Path:
    if given is not None:
        if not (given / layout.INFO_FILE).is_file():
            raise FmbenchError(
                f"{FLAG} is {given}, which has no {layout.INFO_FILE}; give the data set on which "
                "the policy was trained"
            )
        return given
    folder = data_set_of(checkpoint.training)
    if folder is None or not (folder / layout.INFO_FILE).is_file():
        missing = f"{folder}, its data set, is not here"
        why = missing if folder else "it names no folder of its data set"
        raise FmbenchError(
            f"{checkpoint.folder}: {why}, and with it the scaling of {layout.ENVIRONMENT}; give "
            f"{FLAG} DIR"
        )
    return folder


def _used(stated: object, sha256: str, episodes: int) -> tuple[str, int]:
    """Return hash and number of the demonstrations of a training, which may leave some out."""
    values = stated if isinstance(stated, dict) else {}
    chosen, held_out = values.get("episodes"), values.get("eval_split") or 0.0
    if chosen is None and not held_out:
        return sha256, episodes
    count = len(chosen) if isinstance(chosen, list) else episodes
    text = json.dumps([sha256, chosen, held_out])
    return hashlib.sha256(text.encode()).hexdigest(), count


def check_statistics(checkpoint: Path, folder: Path, flag: str) -> None:
    """Check that a policy normalises with the statistics of a data set.

    Args:
        checkpoint: Its folder.
        folder: The data set, of which `meta/stats.json` is read.
        flag: How another data set is given, for the message.

    Raises:
        FmbenchError: It does not: it was trained on another one, or a file is damaged.
    """
    stored = read_json(folder / layout.STATS_FILE)
    for processor in PROCESSORS:
        for entry in read_json(checkpoint / processor)["steps"]:
            if entry.get("registry_name") not in NORMALISERS or entry.get("state_file") is None:
                continue
            path = checkpoint / Path(entry["state_file"]).name
            used = _statistics(path)
            for name in _needed(entry.get("config")):
                if name not in used:
                    raise FmbenchError(
                        f"{path} lacks {name}, by which its {processor} normalises; give the "
                        "folder pretrained_model as LeRobot wrote it"
                    )
            pictures = [name for name in stored if name.startswith(layout.IMAGES)]
            for feature in (layout.STATE, layout.ENVIRONMENT, layout.ACTION, *pictures):
                if (other := _other(feature, used, stored.get(feature))) is not None:
                    raise FmbenchError(
                        f"{folder} is not the data set of {checkpoint}: the {other} of {feature} "
                        f"is not the one with which the policy normalises; give {flag}"
                    )


def _statistics(path: Path) -> dict[str, Any]:
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise FmbenchError(f"{path} is damaged: {error}") from error


def _needed(config: object) -> Iterator[str]:
    """Yield the names of the statistics that a step needs, as its configuration states it."""
    values = config if isinstance(config, dict) else {}
    features, modes = values.get("features"), values.get("norm_map")
    if isinstance(features, dict) and isinstance(modes, dict):
        for feature, described in features.items():
            kind = described.get("type") if isinstance(described, dict) else None
            yield from (f"{feature}.{name}" for name in NEEDED.get(str(modes.get(kind)), ()))


def _other(feature: str, used: Mapping[str, Any], stored: object) -> str | None:
    """Return the statistic of a feature that differs; None if none does.

    LeRobot replaces mean and standard deviation of pictures by those of ImageNet, unless it is told
    not to.
    """
    values = stored if isinstance(stored, dict) else {}
    is_picture = feature.startswith(layout.IMAGES)
    for name in OF_PICTURES if is_picture else ("mean", "std", "min", "max"):
        here = used.get(f"{feature}.{name}")
        if here is None:
            continue
        there = np.array(values.get(name, np.nan), dtype=np.float32)
        if there.shape != here.shape or not np.allclose(here, there, rtol=1e-5, atol=1e-6):
            return name
    return None
