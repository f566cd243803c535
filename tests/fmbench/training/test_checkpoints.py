"""Checkpoints are restored exactly, or rejected with a one-line error."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from fmbench.errors import FmbenchError
from fmbench.storage.artefacts import MANIFEST
from fmbench.training.checkpoint_facts import (
    EMA_FILE,
    OPTIMIZER_FILE,
    POLICY_FILE,
    STATE_FILE,
    checkpoint_facts,
    read_progress,
)
from fmbench.training.checkpoints import load_policy, restore_checkpoint, save_checkpoint
from fmbench.training.loop import train
from fmbench.training.state import TrainingState
from policies import ChunkPolicyConfig
from policies.catalogue import BACKBONES
from tests.fmbench.small_training import CONFIG, ORIGIN, all_bytes, make_small_windows, start
from tests.reseal import reseal

WINDOWS = make_small_windows()
Change = Callable[[torch.Tensor], torch.Tensor]
FILES = (EMA_FILE, POLICY_FILE, OPTIMIZER_FILE, STATE_FILE)


@pytest.fixture
def state() -> TrainingState:
    state = start(WINDOWS)
    train(state, CONFIG, WINDOWS, should_stop=lambda: state.update == 6)
    return state


@pytest.fixture
def folder(state: TrainingState, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "checkpoint", state, CONFIG, ORIGIN)
    return tmp_path / "checkpoint"


def assert_rejected(folder: Path, message: str) -> None:
    """Both ways of reading reject the folder with a one-line error."""
    for read in (
        lambda: load_policy(folder),
        lambda: restore_checkpoint(folder, start(WINDOWS), CONFIG, ORIGIN),
    ):
        with pytest.raises(FmbenchError, match=message) as caught:
            read()
        assert "\n" not in str(caught.value)


def test_restored_state_is_the_saved_one(state: TrainingState, folder: Path) -> None:
    restored = start(WINDOWS)
    assert all_bytes(restored) != all_bytes(state)
    restore_checkpoint(folder, restored, CONFIG, ORIGIN)
    assert all_bytes(restored) == all_bytes(state)
    assert restored.log == state.log
    assert restored.seconds == state.seconds
    assert restored.pending_losses == [float(loss) for loss in state.pending_losses]
    assert len(restored.pending_losses) == 2


@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_every_backbone_is_restored_and_continues_the_same(backbone: str, tmp_path: Path) -> None:
    state, restored = start(WINDOWS, backbone=backbone), start(WINDOWS, backbone=backbone)
    train(state, CONFIG, WINDOWS, should_stop=lambda: state.update == 6)
    save_checkpoint(tmp_path / "checkpoint", state, CONFIG, ORIGIN)
    restore_checkpoint(tmp_path / "checkpoint", restored, CONFIG, ORIGIN)
    for continued in (state, restored):
        train(continued, CONFIG, WINDOWS)
    assert all_bytes(restored) == all_bytes(state)
    save_checkpoint(tmp_path / "done", state, CONFIG, ORIGIN)
    policy, _ = load_policy(tmp_path / "done")
    for name, value in state.ema.policy.state_dict().items():
        assert torch.equal(policy.state_dict()[name], value)


def test_saving_again_gives_the_same_bytes(
    state: TrainingState, folder: Path, tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "again", state, CONFIG, ORIGIN)
    for name in (*FILES, MANIFEST):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_loaded_policy_is_the_average(state: TrainingState, folder: Path) -> None:
    policy, facts = load_policy(folder)
    assert not policy.training
    assert policy.config == state.policy.config
    for name, value in state.ema.policy.state_dict().items():
        assert torch.equal(policy.state_dict()[name], value)
    assert facts == checkpoint_facts(folder)
    assert (facts.update, facts.complete, facts.origin) == (6, False, ORIGIN)
    assert set(facts.sha256) == set(FILES)


def test_finished_training_is_marked_complete(state: TrainingState, folder: Path) -> None:
    train(state, CONFIG, WINDOWS)
    save_checkpoint(folder, state, CONFIG, ORIGIN)
    assert checkpoint_facts(folder).complete is True
    assert [path.name for path in folder.parent.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize("name", FILES)
def test_changed_files_are_rejected(name: str, folder: Path) -> None:
    good = (folder / name).read_bytes()
    (folder / name).write_bytes(good[: len(good) // 2])
    assert_rejected(folder, f"{name} was changed")
    (folder / name).write_bytes(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])
    assert_rejected(folder, f"{name} was changed")
    (folder / name).unlink()
    assert_rejected(folder, f"missing or not in the manifest: {name}")


def test_other_folders_are_rejected(folder: Path, tmp_path: Path) -> None:
    assert_rejected(tmp_path, "was not written by fmbench")
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "kind": "demonstrations"}))
    assert_rejected(folder, "holds 'demonstrations', not 'checkpoint'")


class Bomb:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return pytest.fail, ("a pickle was loaded",)


@pytest.mark.parametrize("content", [pickle.dumps(Bomb()), b"", b"\xff" * 64])
def test_other_file_formats_are_rejected(content: bytes, folder: Path) -> None:
    for name in (EMA_FILE, POLICY_FILE):
        (folder / name).write_bytes(content)
    reseal(folder)
    assert_rejected(folder, "is not a safetensors file")


def change_weights(folder: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
    for name in (EMA_FILE, POLICY_FILE):
        weights = load_file(folder / name)
        weights["network.input.bias"] = change(weights["network.input.bias"])
        save_file(weights, folder / name)
    reseal(folder)


def test_nan_weights_are_rejected(folder: Path) -> None:
    change_weights(folder, lambda bias: bias * torch.nan)
    assert_rejected(folder, "contains NaN or infinity in network.input.bias; train again")


def test_weights_of_another_shape_are_rejected(folder: Path) -> None:
    change_weights(folder, lambda bias: bias[:-1].clone())
    assert_rejected(folder, "does not fit its configuration: .*network.input.bias")


def change_tensor(folder: Path, file: str, name: str, change: Change) -> None:
    tensors = load_file(folder / file)
    tensors[name] = change(tensors[name])
    save_file(tensors, folder / file)


def change_json(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads((folder / STATE_FILE).read_text())
    change(values)
    (folder / STATE_FILE).write_text(json.dumps(values))


FOREIGN: dict[str, tuple[Callable[[Path], object], str]] = {
    "moment of another shape": (
        lambda f: change_tensor(f, OPTIMIZER_FILE, "0.exp_avg", lambda t: t.flatten()[:1].clone()),
        r"0.exp_avg has shape \[1\], not \[8, ",
    ),
    "moment of integers": (
        lambda f: change_tensor(f, OPTIMIZER_FILE, "0.exp_avg", lambda t: t.to(torch.int32)),
        "0.exp_avg has type I32, not F32",
    ),
    "moment that is NaN": (
        lambda f: change_tensor(f, OPTIMIZER_FILE, "0.exp_avg", lambda t: t * torch.nan),
        "contains NaN or infinity in 0.exp_avg",
    ),
    "negative square": (
        lambda f: change_tensor(f, OPTIMIZER_FILE, "0.exp_avg_sq", lambda t: t - 1.0),
        "a negative square in 0.exp_avg_sq",
    ),
    "another step": (
        lambda f: change_tensor(f, OPTIMIZER_FILE, "0.step", lambda t: t + 1.0),
        "is of update 7, not 6",
    ),
    "no moments": (
        lambda f: save_file(
            {"generator": load_file(f / OPTIMIZER_FILE)["generator"]}, f / OPTIMIZER_FILE
        ),
        "0.exp_avg is missing",
    ),
    "unknown tensor": (
        lambda f: save_file(
            load_file(f / OPTIMIZER_FILE) | {"0.more": torch.zeros(2)}, f / OPTIMIZER_FILE
        ),
        "0.more is unknown",
    ),
    "short generator": (
        lambda f: change_tensor(f, OPTIMIZER_FILE, "generator", lambda t: t[:-8].clone()),
        "generator has shape",
    ),
    "foreign generator": (
        lambda f: change_tensor(f, OPTIMIZER_FILE, "generator", lambda t: t * 0 + 255),
        "holds no state of a generator",
    ),
    "integer weights": (
        lambda f: change_tensor(f, POLICY_FILE, "network.input.bias", lambda t: t.to(torch.int64)),
        "network.input.bias has type I64, not F32",
    ),
    "short log": (lambda f: change_json(f, lambda v: v["log"].clear()), "0 logged updates"),
    "lost loss": (lambda f: change_json(f, lambda v: v["pending_losses"].pop()), "1 pending"),
    "text for seconds": (lambda f: change_json(f, lambda v: v.update(seconds="3")), "seconds is"),
    "negative seconds": (lambda f: change_json(f, lambda v: v.update(seconds=-3)), "seconds is -3"),
    "list for seconds": (lambda f: change_json(f, lambda v: v.update(seconds=[])), "seconds is"),
    "truth for update": (
        lambda f: change_json(f, lambda v: v["log"][0].update(update=True)),
        "log.0.update is True",
    ),
    "no log": (lambda f: change_json(f, lambda v: v.pop("log")), "log is missing"),
    "more facts": (lambda f: change_json(f, lambda v: v.update(more=1)), "more is unknown"),
}


@pytest.mark.parametrize("fault", FOREIGN)
def test_foreign_state_is_rejected_before_anything_changes(fault: str, folder: Path) -> None:
    damage, message = FOREIGN[fault]
    damage(folder)
    reseal(folder)
    fresh = start(WINDOWS)
    before = all_bytes(fresh)
    with pytest.raises(FmbenchError, match=message) as caught:
        restore_checkpoint(folder, fresh, CONFIG, ORIGIN)
    assert "\n" not in str(caught.value)
    assert all_bytes(fresh) == before


FACTS: dict[str, tuple[dict[str, Any], str]] = {
    "more updates than the run": ({"update": 12}, "unfinished at update 12 of 11"),
    "complete too early": ({"complete": True}, "is complete at update 6 of 11"),
    "text": ({"update": "6"}, "update is '6'"),
    "list": ({"update": []}, r"update is \[\]"),
    "object": ({"complete": {}}, "complete is {}"),
    "negative": ({"update": -1}, "update is -1"),
    "huge network": (
        {"policy": ChunkPolicyConfig(3, 2, 2, 7, width=16_384, depth=256).to_json()},
        "does not fit its configuration",
    ),
    "no origin": ({"origin": {}}, "does not state its demonstrations"),
    "unknown policy": (
        {"policy": {**ChunkPolicyConfig(3, 2).to_json(), "objective": "flw"}},
        "did you mean flow",
    ),
}


@pytest.mark.parametrize("fault", FACTS)
def test_facts_that_contradict_each_other_are_rejected(fault: str, folder: Path) -> None:
    facts, message = FACTS[fault]
    reseal(folder, **facts)
    with pytest.raises(FmbenchError, match=message):
        load_policy(folder)


def test_a_changed_update_is_rejected(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace('"update": 6', '"update": 4'))
    assert_rejected(folder, f"{MANIFEST} was changed after it was written")


def test_other_settings_are_listed(folder: Path) -> None:
    other = replace(CONFIG, batch_size=6)
    with pytest.raises(FmbenchError, match=r"\(batch_size: 5 there, 6 now\); give the same"):
        restore_checkpoint(folder, start(WINDOWS), other, ORIGIN)
    with pytest.raises(FmbenchError, match=r"width: 8 there, 16 now; train_seed: \"3\" there"):
        restore_checkpoint(folder, start(WINDOWS, width=16), CONFIG, {**ORIGIN, "train_seed": "4"})
    with pytest.raises(FmbenchError, match='objective: "flow" there, "bc" now'):
        restore_checkpoint(folder, start(WINDOWS, "bc"), CONFIG, ORIGIN)
    with pytest.raises(FmbenchError, match="device: null there"):
        restore_checkpoint(folder, start(WINDOWS), CONFIG, {**ORIGIN, "device": "cpu"})


def test_a_configuration_that_leaves_out_a_default_is_restored(folder: Path) -> None:
    facts = json.loads((folder / MANIFEST).read_text())
    policy = {name: value for name, value in facts["policy"].items() if name != "objective"}
    reseal(folder, policy=policy)
    assert load_policy(folder)[0].config.objective == "flow"
    facts_without = checkpoint_facts(folder)
    assert read_progress(folder, facts_without).log
