"""Checkpoints: save and restore the exact training state, published atomically."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from fmbench.errors import FmbenchError, RunFailed
from fmbench.storage.artefacts import publish, staged_folder, verify
from fmbench.storage.files import read_json, write_json_atomic
from fmbench.storage.hashes import short_hash
from fmbench.training.state import LogEntry, TrainConfig, TrainingState
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig

KIND = "checkpoint"
EMA_FILE, POLICY_FILE, OPTIMIZER_FILE, STATE_FILE = (
    "ema.safetensors",
    "policy.safetensors",
    "optimizer.safetensors",
    "state.json",
)


def save_checkpoint(
    folder: Path, state: TrainingState, config: TrainConfig, origin: dict[str, str]
) -> None:
    """Publish the complete training state as `folder`, replacing an earlier checkpoint.

    Args:
        folder: The checkpoint's folder.
        state: The state to save.
        config: The training configuration.
        origin: Origin of the weights: task, hashes of demonstrations and task, train seed.

    Raises:
        RunFailed: A weight is NaN or infinite; an earlier checkpoint in `folder` is kept.
    """
    weights = dict(state.policy.state_dict())
    if bad := _not_finite(weights):
        raise RunFailed(
            f"training failed by update {state.update}: {bad} contains NaN or infinity; "
            "try a lower learning rate"
        )
    optimizer = state.optimizer.state_dict()["state"]
    tensors = {
        f"{index}.{name}": value
        for index, moments in optimizer.items()
        for name, value in moments.items()
    }
    tensors["generator"] = state.generator.get_state()
    facts = {
        "update": state.update,
        "complete": state.update >= config.updates,
        "policy": state.policy.config.to_json(),
        "training": asdict(config),
        "origin": origin,
    }
    with staged_folder(folder) as staging:
        _save_tensors(staging / EMA_FILE, dict(state.ema.policy.state_dict()))
        _save_tensors(staging / POLICY_FILE, weights)
        _save_tensors(staging / OPTIMIZER_FILE, tensors)
        log = [asdict(entry) for entry in state.log]
        pending = state.losses_since_log()
        progress = {"seconds": state.seconds, "log": log, "pending_losses": pending}
        write_json_atomic(staging / STATE_FILE, progress)
        publish(staging, folder, KIND, facts)


def checkpoint_facts(folder: Path) -> dict[str, Any]:
    """Verify a checkpoint and return the contents of its manifest."""
    return verify(folder, KIND)


def say_kept(folder: Path) -> str:
    """Verify the checkpoint left by a failed training, if any, and describe it."""
    if not folder.exists():
        return "no checkpoint had been written yet"
    return f"the checkpoint of update {checkpoint_facts(folder)['update']} is kept in {folder}"


def restore_checkpoint(
    folder: Path, state: TrainingState, config: TrainConfig, origin: dict[str, str]
) -> None:
    """Restore the state of a checkpoint into a newly started training.

    Raises:
        FmbenchError: The checkpoint is damaged or not one of fmbench, or was made with another
            configuration; the message lists the differences.
    """
    facts = verify(folder, KIND)
    present = {
        "policy": state.policy.config.to_json(),
        "training": asdict(config),
        "origin": origin,
    }
    if differences := _differences({name: facts.get(name) for name in present}, present):
        raise FmbenchError(
            f"{folder} was made with other settings ({'; '.join(differences)}); "
            "give the same settings, or another --out"
        )
    _load_weights(state.policy, folder / POLICY_FILE)
    _load_weights(state.ema.policy, folder / EMA_FILE)
    tensors = _load_tensors(folder / OPTIMIZER_FILE)
    state.generator.set_state(tensors.pop("generator").cpu())
    saved: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        saved.setdefault(int(index), {})[name] = value
    groups = state.optimizer.state_dict()["param_groups"]
    state.optimizer.load_state_dict({"state": saved, "param_groups": groups})
    progress = read_json(folder / STATE_FILE)
    state.update = int(facts["update"])
    state.seconds = float(progress["seconds"])
    state.log = [LogEntry(**entry) for entry in progress["log"]]
    state.pending_losses = [float(loss) for loss in progress["pending_losses"]]


def weights_hash(facts: Mapping[str, Any]) -> str:
    """Return the hash of a checkpoint's weights that is written to rows."""
    return short_hash(str(facts["sha256"][EMA_FILE]))


def load_policy(folder: Path) -> tuple[ChunkPolicy, dict[str, Any]]:
    """Load the averaged policy of a checkpoint, in evaluation mode, and its manifest.

    Raises:
        FmbenchError: The checkpoint is damaged or not one of fmbench, or its weights contain NaN.
    """
    facts = verify(folder, KIND)
    policy = ChunkPolicy(ChunkPolicyConfig.from_json(facts["policy"]))
    _load_weights(policy, folder / EMA_FILE)
    return policy.eval(), facts


def _save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    save_file({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, path)


def _load_tensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise FmbenchError(f"{path} is not a safetensors file: {error}") from error
    return tensors


def _load_weights(policy: ChunkPolicy, path: Path) -> None:
    weights = _load_tensors(path)
    if bad := _not_finite(weights):
        raise FmbenchError(f"{path} contains NaN or infinity in {bad}; train again")
    try:
        policy.load_state_dict(weights)
    except RuntimeError as error:
        message = " ".join(str(error).split())
        raise FmbenchError(f"{path} does not fit its configuration: {message}") from error


def _not_finite(tensors: dict[str, Tensor]) -> str:
    bad = (name for name, value in tensors.items() if not bool(value.isfinite().all()))
    return next(bad, "")


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    differences = []
    for group in new:
        before, now = old.get(group) or {}, new[group]
        for name in sorted(set(before) | set(now)):
            if before.get(name) != now.get(name):
                was, is_now = json.dumps(before.get(name)), json.dumps(now.get(name))
                differences.append(f"{name}: {was} there, {is_now} now")
    return differences
