"""Rows of policies that see do not depend on batches, threads, interruptions or stored pictures."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fmbench.config import FEATURES, PIXELS
from fmbench.data import make, replay
from fmbench.data import pictures as data_pictures
from fmbench.evaluation import episodes
from fmbench.evaluation.plan import plan_run
from fmbench.evaluation.players import policy_player
from fmbench.harness.rollout import rollout
from fmbench.runs import trainer
from fmbench.sight.opening import Sights
from fmbench.training.checkpoints import load_policy
from fmbench.training.state import TrainingState
from policies.threads import one_thread
from tests.fmbench.runs.seeing_experiment import CACHES, SEEING, cache_folders, quickly_seeing
from tests.fmbench.runs.small_experiment import comparable, run
from tests.fmbench.small_run import files_of

CHECKPOINT = Path("checkpoints") / "PressEither-flow-seed0"


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    with quickly_seeing():
        yield


@pytest.fixture(scope="module")
def root(seeing_runs: Path) -> Path:
    return seeing_runs


@pytest.mark.usefixtures("torch_threads")
@pytest.mark.parametrize("observation", SEEING)
def test_runs_from_nothing_are_equal_for_any_number_of_simulations_and_threads(
    observation: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (episodes, replay, make):
        monkeypatch.setattr(module, "MAX_SIMS", 2)
    train = one_thread()(trainer.train_together)  # as in commands: all else uses two threads
    monkeypatch.setattr(trainer, "train_together", train)
    torch.set_num_threads(2)
    run(SEEING[observation], tmp_path / "run", tmp_path / "data")
    assert comparable(tmp_path / "run") == comparable(root / observation)
    drawn = comparable(tmp_path / "data")
    assert drawn == {name: comparable(root / "data")[name] for name in drawn}
    assert len(cache_folders(tmp_path / "data")) == len(CACHES[observation])


@pytest.mark.parametrize("observation", SEEING)
def test_what_is_stored_is_read_and_gives_the_same_rows(
    observation: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(shutil.copytree(root / "data", tmp_path / "data"))
    if observation == FEATURES:  # which are enough
        shutil.rmtree(cache_folders(data, "pictures")[0])
    before = files_of(data)
    monkeypatch.setattr(data_pictures, "replay_states", pytest.fail)
    printed = run(SEEING[observation], tmp_path / "run", data)
    assert f"PressEither {CACHES[observation][-1]}: found in " in printed
    assert files_of(data) == before
    assert comparable(tmp_path / "run") == comparable(root / observation)


@pytest.mark.thorough
def test_episodes_do_not_depend_on_their_order_and_neighbours(root: Path) -> None:
    seeds = np.arange(5)
    for observation, config in SEEING.items():
        sights = Sights(config)
        sight = sights.of("PressEither")
        policy, _ = load_policy(root / observation / CHECKPOINT)
        cell = plan_run(config).cells("PressEither", "flow", 0)[0]

        def rolled(order: np.ndarray, sims: int) -> dict[int, object]:
            world, player, delay = policy_player(policy, cell, config, sight, sims)  # noqa: B023
            return {one.episode_seed: one for one in rollout(world, player, order, delay=delay)}

        alone = rolled(seeds, 1)
        assert rolled(seeds[::-1], 3) == alone
        assert rolled(seeds[[2, 4, 0, 1, 3]], 5) == alone
        sights.close()


STOPS = [
    *(
        pytest.param(FEATURES, stage, marks=pytest.mark.thorough)
        for stage in (" pictures", " features", "flow training")
    ),
    (PIXELS, "flow training"),
    (PIXELS, "seed0 episodes"),
]


@pytest.mark.parametrize(("observation", "stop_in"), STOPS)
def test_a_stopped_run_resumes_to_the_same_bytes(
    observation: str, stop_in: str, root: Path, tmp_path: Path
) -> None:
    config, out, kind = SEEING[observation], tmp_path / "run", stop_in.strip()
    is_drawing = kind in CACHES[observation]
    data = tmp_path / "data" if is_drawing else root / "data"
    with pytest.raises(KeyboardInterrupt):
        run(config, out, data, stop_in)
    assert not is_drawing or not cache_folders(data, kind)
    assert "Resuming" in run(config, out, data)
    assert comparable(out) == comparable(root / observation)


def test_training_that_was_killed_between_checkpoints_gives_the_same_weights(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, save = SEEING[PIXELS], trainer.save_checkpoint
    saved: list[TrainingState] = []

    def save_one(folder: Path, state: TrainingState, *more: Any) -> None:
        if saved:
            raise SystemExit(9)  # two updates after the first checkpoint
        save(folder, state, *more)
        saved.append(state)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "save_checkpoint", save_one)
        with pytest.raises(SystemExit):
            run(config, tmp_path / "run", root / "data")
    run(config, tmp_path / "run", root / "data")
    assert comparable(tmp_path / "run") == comparable(root / PIXELS)


LARGER: dict[str, dict[str, Any]] = {
    FEATURES: {"task": ("ReachPose", "PressEither"), "seeds": 2, "episodes": 4},
    PIXELS: {"policy": ("bc", "flow"), "episodes": 4},
}
"""What `test_growth.py` lets a run without pictures grow by, each for one kind of observation."""


@pytest.mark.faults
@pytest.mark.thorough
@pytest.mark.parametrize("observation", SEEING)
def test_a_finished_run_grows_to_the_bytes_of_the_larger_run(
    observation: str, root: Path, tmp_path: Path
) -> None:
    config, data = SEEING[observation], root / "data"
    larger = replace(config, **LARGER[observation])
    run(larger, tmp_path / "whole", data)
    grown = Path(shutil.copytree(root / observation, tmp_path / "grown"))
    assert "Extending" in run(larger, grown, data)
    assert comparable(grown) == comparable(tmp_path / "whole")
    assert "is complete" in run(larger, grown, data)
