"""Policies that see get nothing of the observed values that pictures replace."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from envs.registry import make_task
from envs.task import IntArray
from envs.world import World
from fmbench.config import PIXELS
from fmbench.harness.rollout import Float32Array
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import DiagnosticRow, EpisodeRow
from fmbench.training.checkpoint_facts import EMA_FILE, POLICY_FILE
from tests.fmbench.runs.seeing_experiment import SEEING, quickly_seeing
from tests.fmbench.runs.small_experiment import CONFIG, run
from tests.thorough import thoroughly


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with quickly_seeing():
        yield


def garble(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace all pictured values wherever a world is observed: demonstrations, episodes."""
    observe = World.observe

    def observe_garbage(world: World, rows: IntArray) -> Float32Array:
        observations = observe(world, rows)
        pictured, steps = ~world.task.agent_columns, world.step_count[rows, None]
        garbage = 0.9 * world.task.observation_limits() * np.sin(1 + steps)  # what files accept
        observations[:, pictured] = garbage[:, pictured]
        return observations

    monkeypatch.setattr(World, "observe", observe_garbage)
    make_task.cache_clear()  # nothing of the task as it was is used again


def outcome(run_folder: Path) -> tuple[object, ...]:
    """Return the weights of a run and the outcomes of its episodes."""
    checkpoint = run_folder / "checkpoints" / "PressEither-flow-seed0"
    weights = [(checkpoint / name).read_bytes() for name in (EMA_FILE, POLICY_FILE)]
    episodes = read_rows(run_folder / "episodes.csv", EpisodeRow)
    return (*weights, episodes, read_rows(run_folder / "diagnostics.csv", DiagnosticRow))


@pytest.mark.parametrize("observation", thoroughly(["state", *SEEING], always=["state", PIXELS]))
def test_what_pictures_replace_does_not_reach_a_policy_that_sees(
    observation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = SEEING.get(observation, CONFIG)
    run(config, tmp_path / "true", tmp_path / "data")
    garble(monkeypatch)
    run(config, tmp_path / "garbled", tmp_path / "garbled data")
    stored = [
        next(x.glob("PressEither-*/data/*.hdf5")).read_bytes() for x in tmp_path.glob("*data")
    ]
    assert stored[0] != stored[1]
    is_same = outcome(tmp_path / "garbled") == outcome(tmp_path / "true")
    assert is_same == (observation != "state")
