"""A NaN loss stops the run, is reported with its update, and keeps the last good checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fmbench.errors import RunFailed
from fmbench.evaluation import contact_sheets
from fmbench.runs import finish, trainer
from fmbench.training.checkpoint_facts import checkpoint_facts
from fmbench.training.checkpoints import load_policy
from fmbench.training.state import TrainingState, start_training
from policies.catalogue import POLICIES
from tests.fmbench.runs.small_experiment import CONFIG, BlankRenderer, run
from tests.fmbench.small_run import files_of

TRAINED = [name for name, objective in POLICIES.items() if objective.trains]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheets, "TaskRenderer", BlankRenderer)
    monkeypatch.setattr(finish, "draw_all", lambda out: None)
    monkeypatch.setattr(trainer, "CHECKPOINT_UPDATES", 2)


def spoil(
    monkeypatch: pytest.MonkeyPatch, objective: str, update: int, train_seed: int = 0
) -> None:
    """Make the loss of one training NaN at one update, counted from 1."""

    def start(
        config: Any, train_config: Any, windows: Any, seed: int, *rest: Any, **more: Any
    ) -> TrainingState:
        state = start_training(config, train_config, windows, seed, *rest, **more)
        loss = state.policy.loss

        def loss_at(*arguments: Any) -> torch.Tensor:
            value = loss(*arguments)
            return value * torch.nan if state.update + 1 == update else value

        if config.objective == objective and seed == train_seed:
            monkeypatch.setattr(state.policy, "loss", loss_at)
        return state

    monkeypatch.setattr(trainer, "start_training", start)


def fail(policy: str, out: Path, data: Path, **changes: Any) -> str:
    teacher = POLICIES[policy].teacher
    policies = (policy,) if teacher is None else (teacher, policy)
    with pytest.raises(RunFailed) as caught:
        run(replace(CONFIG, policy=policies, **changes), out, data)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    return str(caught.value)


@pytest.mark.parametrize("policy", TRAINED)
def test_the_last_checkpoint_is_kept_and_the_same_command_fails_the_same_way(
    policy: str, demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, policy, update=4)
    folder = tmp_path / "checkpoints" / f"PressEither-{policy}-seed0"
    message = fail(policy, tmp_path, demonstrations_folder.parent)
    assert message == (
        f"PressEither {policy} seed 0: training stopped at update 4: loss nan, gradient norm nan; "
        f"try a lower learning rate; the checkpoint of update 2 is kept in {folder}"
    )
    facts = checkpoint_facts(folder)
    assert (facts.update, facts.complete) == (2, False)
    policy_kept, _ = load_policy(folder)  # rejects NaN
    assert all(bool(value.isfinite().all()) for value in policy_kept.state_dict().values())
    before = files_of(folder)
    assert fail(policy, tmp_path, demonstrations_folder.parent) == message
    assert files_of(folder) == before
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []


def test_a_missing_checkpoint_is_reported_and_a_lower_learning_rate_works(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = demonstrations_folder.parent
    message = fail("flow", tmp_path / "high", data, learning_rate=1e35)
    assert message.startswith("PressEither flow seed 0: training stopped at update 2: loss nan")
    assert message.endswith("no checkpoint had been written yet")
    assert not (tmp_path / "high" / "checkpoints").exists()
    run(replace(CONFIG, learning_rate=1e-3), tmp_path / "low", data)


def test_the_failed_task_and_seed_are_named_and_other_seeds_kept(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, "bc", update=1, train_seed=1)
    message = fail("bc", tmp_path, demonstrations_folder.parent, seeds=2)
    assert message.startswith("PressEither bc seed 1: training stopped at update 1: ")
    assert checkpoint_facts(tmp_path / "checkpoints" / "PressEither-bc-seed0").complete is True
    assert not (tmp_path / "episodes.csv").exists()
