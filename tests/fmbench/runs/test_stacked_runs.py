"""A run that trains its seeds in stacks, as on a GPU; here on a CPU."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench.errors import RunFailed
from fmbench.runs import trainer
from fmbench.runs.trainer import Trainer
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import MeasurementRow
from fmbench.training.checkpoint_facts import checkpoint_facts
from fmbench.training.loop import train_together
from fmbench.training.stacked import PLACES
from policies.objectives.flow import Flow
from tests.fmbench.runs.small_experiment import CONFIG, comparable, quickly, run

STACKED_SEEDS = Trainer.__dict__["_stacked_seeds"]
SEEDS = replace(CONFIG, policy=("bc", "flow", "reflow", "knn"), seeds=2)


@pytest.fixture(autouse=True)
def _stacking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Trainer, "_stacked_seeds", property(lambda trainer: trainer.config.seeds))
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
    assert all(
        fact.update == 2 and fact.origin["stacked"] == str(PLACES) for fact in facts.values()
    )
    run(SEEDS, tmp_path / "cut", data)
    assert comparable(tmp_path / "cut") == comparable(tmp_path / "whole")


def test_a_training_goes_on_as_it_began(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, data = replace(SEEDS, policy=("bc",)), demonstrations_folder.parent
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_stacked_seeds", property(lambda _: 0))
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


@pytest.mark.parametrize(("seeds", "stacked"), [(1, 0), (3, 0), (4, 4), (5, 4), (8, 8), (11, 8)])
def test_only_full_stacks_are_begun_and_only_on_a_gpu(seeds: int, stacked: int) -> None:
    for device, expected in (("cuda:0", stacked), ("cpu", 0)):
        config = replace(SEEDS, seeds=seeds, device=device)
        numbers = Trainer(config, Path("unused"), None, None)  # type: ignore[arg-type]
        assert STACKED_SEEDS.fget(numbers) == expected
