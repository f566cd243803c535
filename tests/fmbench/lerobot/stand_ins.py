"""Folders like a data set and a checkpoint of LeRobot, without data and weights."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from envs.registry import make_task
from fmbench.lerobot import layout

NAME = "PressEither"
TASK = make_task(NAME)
WIDTH = {name: feature["shape"][0] for name, feature in layout.numeric_features(TASK).items()}
NORMALISER = "policy_preprocessor_step_3_normalizer_processor.safetensors"
STATISTICS = {
    name: {"mean": [0.5] * WIDTH[name], "std": [2.0] * WIDTH[name]}
    for name in (layout.STATE, layout.ENVIRONMENT, layout.ACTION)
}
COUNTS = {"episodes": 4, "frames": 100}


def write(path: Path, values: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def change(path: Path, change: Callable[[Any], object]) -> None:
    values = json.loads(path.read_bytes())
    change(values)
    path.write_text(json.dumps(values))
