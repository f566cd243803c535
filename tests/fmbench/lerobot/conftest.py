"""Folders like a data set and a checkpoint of LeRobot, and what the command says of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from envs.task_hash import HASH_KIND, task_hash
from fmbench import evaluate
from fmbench.lerobot import layout
from fmbench.lerobot.columns import field_table
from tests.fmbench.lerobot.stand_ins import (
    COUNTS,
    NAME,
    NORMALISER,
    STATISTICS,
    TASK,
    WIDTH,
    write,
)
from tests.fmbench.small_run import call


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    """Return what an exported data set says of itself, without its data."""
    width = WIDTH[layout.ENVIRONMENT]
    ours = {
        "task": TASK.id,
        "task_hash": task_hash(NAME),
        "hash_kind": HASH_KIND,
        "episodes": 4,
        "demonstrations": "ab" * 32,
        "fields": field_table(TASK),
        "environment_state": {"offset": [0.0] * width, "divisor": [1.0] * width},
    }
    write(tmp_path / "data" / layout.INFO_FILE, layout.info(TASK, COUNTS, {}, ours))
    write(tmp_path / "data" / layout.STATS_FILE, STATISTICS)
    return tmp_path / "data"


@pytest.fixture
def checkpoint(tmp_path: Path, data_set: Path) -> Path:
    """Return a folder like a checkpoint of LeRobot, with weights of nothing."""
    folder = tmp_path / "pretrained_model"
    observed = {layout.STATE: "STATE", layout.ENVIRONMENT: "ENV"}
    config = {
        "type": "act",
        "input_features": {k: {"type": v, "shape": [WIDTH[k]]} for k, v in observed.items()},
        "output_features": {layout.ACTION: {"type": "ACTION", "shape": [TASK.act_dim]}},
    }
    write(folder / "config.json", config)
    write(folder / "train_config.json", {"dataset": {"root": str(data_set)}})
    step = {"registry_name": "normalizer_processor", "config": {}, "state_file": NORMALISER}
    write(folder / "policy_preprocessor.json", {"steps": [step]})
    write(folder / "policy_postprocessor.json", {"steps": []})
    numbers = {f"{k}.{n}": np.float32(v) for k, vs in STATISTICS.items() for n, v in vs.items()}
    save_file({name: np.array(value) for name, value in numbers.items()}, folder / NORMALISER)
    save_file({"nothing": np.zeros(1)}, folder / "model.safetensors")
    return folder


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs the command and returns its one line of refusal."""

    def refused(*words: object) -> str:
        assert call(evaluate.main, *words) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1
        return lines[0]

    return refused
