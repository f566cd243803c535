"""Random damage of a checkpoint: one line, or the original numbers; never a crash."""

import contextlib
import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings

from fmbench.storage.artefacts import MANIFEST
from fmbench.training.checkpoint_facts import (
    EMA_FILE,
    OPTIMIZER_FILE,
    POLICY_FILE,
    STATE_FILE,
    read_progress,
)
from fmbench.training.checkpoints import load_policy, restore_checkpoint, save_checkpoint
from fmbench.training.loop import train
from tests.fmbench.small_training import CONFIG, ORIGIN, all_bytes, make_small_windows, start
from tests.fmbench.storage.damaged_folder import DamagedFolder
from tests.fmbench.storage.damages import Damage, changes
from tests.reseal import reseal

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(0)]
EXAMPLES = int(os.environ.get("FMBENCH_FUZZ_EXAMPLES", "200"))
WINDOWS = make_small_windows()
FILES = [MANIFEST, EMA_FILE, POLICY_FILE, OPTIMIZER_FILE, STATE_FILE]
Changes = list[tuple[str, Damage]]


def numbers_of(tensors: dict[str, bytes]) -> str:
    return "".join(f"{k} {hashlib.sha256(v).hexdigest()}\n" for k, v in tensors.items())


def read_policy(folder: Path) -> str:
    policy, facts = load_policy(folder)
    weights = {k: v.numpy().tobytes() for k, v in policy.state_dict().items()}
    return f"{numbers_of(weights)}{facts}\n{read_progress(folder, facts)}"


def read_training(folder: Path) -> str:
    state = start(WINDOWS)
    restore_checkpoint(folder, state, CONFIG, ORIGIN)
    return f"{numbers_of(all_bytes(state))}{state.seconds} {state.log} {state.pending_losses}"


@pytest.fixture(scope="module", params=[read_policy, read_training])
def damaged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> DamagedFolder:
    state = start(WINDOWS)
    train(state, CONFIG, WINDOWS, should_stop=lambda: state.update == 6)
    folder = tmp_path_factory.mktemp("checkpoint") / "checkpoint"
    save_checkpoint(folder, state, CONFIG, ORIGIN)
    return DamagedFolder(folder, FILES, request.param)


@settings(max_examples=EXAMPLES)
@given(drawn=changes(FILES))
def test_a_damaged_checkpoint_is_one_line_or_changes_no_number(
    damaged: DamagedFolder, drawn: Changes
) -> None:
    damaged.damage(drawn)
    assert damaged.outcome() in (None, damaged.numbers)


@settings(max_examples=EXAMPLES)
@given(drawn=changes(FILES))
def test_a_forged_checkpoint_is_never_a_crash(damaged: DamagedFolder, drawn: Changes) -> None:
    damaged.damage(drawn)
    with contextlib.suppress(Exception):  # a manifest that no forger can reseal
        reseal(damaged.folder)
    damaged.outcome()
