"""A run that trains its seeds in stacks, as on a GPU; here on a CPU."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fmbench.errors import FmbenchError, RunFailed
from fmbench.runs import sharing, trainer
from fmbench.runs.trainer import Trainer
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import MeasurementRow
from fmbench.training.checkpoint_facts import POLICY_FILE, checkpoint_facts
from fmbench.training.loop import train_together
from fmbench.training.stacked import SIZES, stack, stack_sizes
from fmbench.training.state import TrainingState
from fmbench.training.update import Update
from policies.objectives.flow import Flow
from tests.fmbench.runs.small_experiment import CONFIG, comparable, quickly, run
from tests.reseal import facts_of, reseal

STACK_SIZES = Trainer.__dict__["_stack_sizes"]
SMALL = SIZES[-1]
SEEDS = replace(CONFIG, policy=("bc", "flow", "reflow", "knn"), seeds=2)


@pytest.fixture(autouse=True)
def _stacking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    sizes = property(lambda trainer: [SMALL] * trainer.config.seeds)
    monkeypatch.setattr(Trainer, "_stack_sizes", sizes)
    with quickly():
        yield


def killed_after_three_updates(*arguments: object, on_update, **options: object) -> bool:
    def count(update: int) -> None:
        on_update(update)
        if update == 3:
            raise KeyboardInterrupt

    return train_together(*arguments, on_update=count, **options)


def test_rows_say_what_was_stacked_and_a_resumed_run_is_an_uninterrupted_one(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = demonstrations_folder.parent
    run(SEEDS, tmp_path / "whole", data)
    rows = read_rows(tmp_path / "whole" / MeasurementRow.file_name, MeasurementRow)
    assert {(row.policy, row.stacked) for row in rows} == {
        ("bc", True),
        ("flow", True),
        ("reflow", True),
        ("knn", False),
    }
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "train_together", killed_after_three_updates)
        with pytest.raises(KeyboardInterrupt):
            run(SEEDS, tmp_path / "cut", data)
    checkpoints = sorted((tmp_path / "cut" / "checkpoints").iterdir())
    facts = {path.name: checkpoint_facts(path) for path in checkpoints}
    names = [f"PressEither-{policy}-seed{seed}" for policy in ("bc", "flow") for seed in (0, 1)]
    assert list(facts) == names
    assert all(fact.update == 2 and fact.origin["stacked"] == str(SMALL) for fact in facts.values())
    run(SEEDS, tmp_path / "cut", data)
    assert comparable(tmp_path / "cut") == comparable(tmp_path / "whole")


def test_a_training_goes_on_as_it_began(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, data = replace(SEEDS, policy=("bc",)), demonstrations_folder.parent
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_stack_sizes", property(lambda _: []))
        patch.setattr(trainer, "train_together", killed_after_three_updates)
        with pytest.raises(KeyboardInterrupt):
            run(config, tmp_path, data)
    run(config, tmp_path, data)
    rows = read_rows(tmp_path / MeasurementRow.file_name, MeasurementRow)
    assert [(row.train_seed, row.stacked) for row in rows] == [(0, False), (1, True)]


def test_a_policy_that_fails_does_not_stop_the_others(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = Flow.loss
    monkeypatch.setattr(Flow, "loss", lambda *arguments: loss(*arguments) * math.nan)
    config = replace(SEEDS, policy=("bc", "flow", "gmm"))
    with pytest.raises(RunFailed, match="PressEither flow seed 0: training stopped at update"):
        run(config, tmp_path, demonstrations_folder.parent)
    folders = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert folders == [f"PressEither-{p}-seed{seed}" for p in ("bc", "gmm") for seed in (0, 1)]
    assert all(checkpoint_facts(tmp_path / "checkpoints" / name).complete for name in folders)


def test_a_run_that_grows_keeps_the_stack_in_which_its_seeds_began(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, data = replace(SEEDS, policy=("bc",)), demonstrations_folder.parent
    run(config, tmp_path / "grown", data)
    made: list[tuple[list[int], int]] = []

    def recorded(members: dict[int, TrainingState], *others: Any) -> list[Update]:
        made.append((list(members), others[-1]))
        return stack(members, *others)

    monkeypatch.setattr(sharing, "stack", recorded)
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "train_together", killed_after_three_updates)
        with pytest.raises(KeyboardInterrupt):
            run(config, tmp_path / "cut", data)
    large = property(lambda trainer: [SIZES[0]] * trainer.config.seeds)
    monkeypatch.setattr(Trainer, "_stack_sizes", large)
    more = replace(config, seeds=3)
    run(config, tmp_path / "cut", data)
    run(more, tmp_path / "grown", data)
    run(more, tmp_path / "whole", data)
    assert made == [([0, 1], 4), ([0, 1], 4), ([2], 8), ([0, 1, 2], 8)]
    sizes, weights = {}, {}
    for name in ("grown", "whole"):
        folders = sorted((tmp_path / name / "checkpoints").iterdir())
        sizes[name] = [checkpoint_facts(folder).origin["stacked"] for folder in folders]
        weights[name] = [(folder / POLICY_FILE).read_bytes() for folder in folders]
    assert sizes == {"grown": ["4", "4", "8"], "whole": ["8", "8", "8"]}
    assert weights["grown"][2] == weights["whole"][2]


def test_a_stack_of_another_size_is_named(demonstrations_folder: Path, tmp_path: Path) -> None:
    config, data = replace(SEEDS, policy=("bc",)), demonstrations_folder.parent
    run(config, tmp_path, data)
    folder = tmp_path / "checkpoints" / "PressEither-bc-seed0"
    reseal(folder, origin={**facts_of(folder)["origin"], "stacked": "3"})
    with pytest.raises(FmbenchError, match='stacked: "3" there, "4" now'):
        run(replace(config, seeds=3), tmp_path, data)


@pytest.mark.parametrize("seeds", [1, 5, 8])
def test_seeds_are_stacked_on_a_gpu_only(seeds: int) -> None:
    for device, expected in (("cuda:0", stack_sizes(seeds)), ("cpu", [])):
        config = replace(SEEDS, seeds=seeds, device=device)
        numbers = Trainer(config, Path("unused"), None, None)  # type: ignore[arg-type]
        assert STACK_SIZES.fget(numbers) == expected
