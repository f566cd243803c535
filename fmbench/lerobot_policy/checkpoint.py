"""Checkpoint folders of LeRobot, read and checked against a task without LeRobot."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.cameras import MAIN
from envs.pictures.renderer import SMALLEST_SIZE
from envs.scene import RENDER_SIZE
from envs.task import Task
from fmbench.errors import FmbenchError, shown
from fmbench.lerobot import layout
from fmbench.storage.files import read_json
from fmbench.storage.hashes import sha256_file

CONFIG, WEIGHTS, TRAINING = "config.json", "model.safetensors", "train_config.json"
PROCESSORS = PRE, POST = "policy_preprocessor.json", "policy_postprocessor.json"
"""LeRobot has written them since 0.4.0; before, policies normalised by themselves."""
STEP = "training_state/training_step.json"
"""What LeRobot writes beside the folder `pretrained_model`."""
ACCEPTED = "give the folder pretrained_model of a checkpoint, which LeRobot writes"


@dataclass(frozen=True)
class LeRobotCheckpoint:
    """A checkpoint folder.

    Attributes:
        folder: It.
        config: Its configuration of the policy.
        training: Its configuration of the training; empty if there is none.
        updates: Gradient steps of the training; 0 if that is not known.
        sha256: Hash of everything that decides the actions: configuration, weights, processors.
    """

    folder: Path
    config: Mapping[str, Any]
    training: Mapping[str, Any]
    updates: int
    sha256: str

    @property
    def kind(self) -> str:
        """The type of the policy, e.g. `act`."""
        return str(self.config["type"])

    @property
    def input_names(self) -> list[str]:
        """Names of the features that the policy observes."""
        return list(self.config["input_features"])

    @property
    def pictures(self) -> dict[str, int]:
        """The features that are pictures, in order, each with its number of rows and columns."""
        features = self.config["input_features"]
        return {k: v["shape"][-1] for k, v in features.items() if k.startswith(layout.IMAGES)}


def read_checkpoint(folder: Path, task: Task) -> LeRobotCheckpoint:
    """Read a checkpoint folder of LeRobot, and check that its policy fits a task.

    Args:
        folder: The folder with `config.json`, `model.safetensors` and the files of the processors.
        task: The task.

    Raises:
        FmbenchError: It is no such folder, or its policy has other observations or actions.
    """
    _check_folder(folder)
    config = read_json(folder / CONFIG)
    if not isinstance(config.get("type"), str):
        raise FmbenchError(f"{folder / CONFIG} states no type of a policy; {ACCEPTED}")
    _check_features(folder / CONFIG, config, task)
    for name in PROCESSORS:
        _check_processor(folder, name)
    training = read_json(folder / TRAINING) if (folder / TRAINING).is_file() else {}
    return LeRobotCheckpoint(folder, config, training, _updates(folder), _hash(folder))


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        state = "is a file" if folder.exists() else "does not exist"
        raise FmbenchError(f"--lerobot is {folder}, which {state}; {ACCEPTED}")
    if not (folder / CONFIG).is_file():
        found = sorted(folder.glob("**/pretrained_model")) if folder != Path() else []
        hint = f"; did you mean {found[-1]}?" if found else ""
        raise FmbenchError(f"--lerobot is {folder}, which has no {CONFIG}; {ACCEPTED}{hint}")
    if not (folder / WEIGHTS).is_file():
        raise FmbenchError(f"--lerobot is {folder}, which has no {WEIGHTS}; {ACCEPTED}")
    if missing := [name for name in PROCESSORS if not (folder / name).is_file()]:
        raise FmbenchError(
            f"--lerobot is {folder}, which has no {missing[0]}: it is of a LeRobot before 0.4; "
            "its python -m lerobot.processor.migrate_policy_normalization converts it"
        )


def _check_features(path: Path, config: Mapping[str, Any], task: Task) -> None:
    """Check that a policy observes what the export of the task's demonstrations has."""
    ours = layout.numeric_features(task)
    inputs, outputs = (config.get(f"{side}_features") for side in ("input", "output"))
    if not isinstance(inputs, dict) or not isinstance(outputs, dict):
        raise FmbenchError(f"{path} states no input_features and output_features; {ACCEPTED}")
    known = [name for name in (layout.STATE, layout.ENVIRONMENT) if name in ours]
    cameras = [layout.camera_key(camera) for camera in (MAIN, *task.cameras)]
    accepted = ", ".join(f"{name} {ours[name]['shape']}" for name in known)
    accepted += f", and pictures [3, N, N], N from {SMALLEST_SIZE} to {RENDER_SIZE} and the same, "
    accepted += f"{', '.join(cameras)}"
    sizes = []
    for name, feature in inputs.items():
        shape = _shape(feature)
        if name in cameras:
            sizes.append(shape)
            fits = _is_picture(shape) and shape == sizes[0]
        elif name in known:
            fits = shape == ours[name]["shape"]
        else:
            raise FmbenchError(
                f"{path}: the policy observes {name}; accepted of {task.id} are {accepted}"
            )
        if not fits:
            raise FmbenchError(
                f"{path}: {name} has the shape {shown(shape)}; accepted of {task.id} are {accepted}"
            )
    action = _shape(outputs.get(layout.ACTION))
    if list(outputs) != [layout.ACTION] or action != [task.act_dim]:
        given = ", ".join(f"{name} {_shape(feature)}" for name, feature in outputs.items())
        raise FmbenchError(
            f"{path}: the policy returns {given}; {task.id} takes {layout.ACTION} [{task.act_dim}]"
        )


def _shape(feature: object) -> object:
    return feature.get("shape") if isinstance(feature, dict) else None


def _is_picture(shape: object) -> bool:
    """Return whether a shape is that of a picture which can be drawn, channels first."""
    sizes = range(SMALLEST_SIZE, RENDER_SIZE + 1)
    return any(shape == [3, size, size] for size in sizes)


def _check_processor(folder: Path, name: str) -> None:
    """Check that a processor consists of LeRobot's registered steps: others may be any class."""
    steps = read_json(folder / name).get("steps")
    entries = steps if isinstance(steps, list) else [None]
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("registry_name"), str):
            what = shown(entry.get("class")) if isinstance(entry, dict) else "no step"
            raise FmbenchError(
                f"{folder / name} has the step {what}; accepted are those that LeRobot registers"
            )
        state = entry.get("state_file")
        if state is not None and (Path(str(state)).name != state or not (folder / state).is_file()):
            raise FmbenchError(f"{folder} lacks {shown(state)}, which its {name} names")


def _updates(folder: Path) -> int:
    """Return the gradient steps of a checkpoint that lies where LeRobot has written it."""
    path = folder.resolve().parent / STEP
    step = read_json(path).get("step") if path.is_file() else None
    return step if isinstance(step, int) and step >= 0 else 0


def _hash(folder: Path) -> str:
    """Return the hash of the configuration, the weights and the processors with their states."""
    names = {CONFIG, WEIGHTS, *PROCESSORS}
    for name in PROCESSORS:
        for entry in read_json(folder / name)["steps"]:
            if entry.get("state_file") is not None:
                names.add(Path(str(entry["state_file"])).name)
    sums = {name: sha256_file(folder / name) for name in sorted(names)}
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()
