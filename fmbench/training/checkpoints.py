"""Checkpoints: save and restore the exact training state, published atomically."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from fmbench.errors import FmbenchError, RunFailed
from fmbench.storage.artefacts import publish, staged_folder
from fmbench.storage.files import encode_json, write_new
from fmbench.storage.stamps import present_stamp, with_stamp
from fmbench.training.checkpoint_facts import (
    EMA_FILE,
    KIND,
    OPTIMIZER_FILE,
    POLICY_FILE,
    STATE_FILE,
    TEACHER_UPDATES,
    CheckpointFacts,
    Progress,
    checkpoint_facts,
    read_progress,
)
from fmbench.training.state import TrainConfig, TrainingState
from fmbench.training.tensor_files import first_not_finite, read_tensors, write_tensors
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig

GENERATOR = "generator"
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


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
        RunFailed: A weight is NaN or infinite, or the disk is full; an earlier checkpoint in
            `folder` is kept.
    """
    weights = dict(state.policy.state_dict())
    if bad := first_not_finite(weights):
        raise RunFailed(
            f"training failed by update {state.update}: {bad} contains NaN or infinity; "
            "try a lower learning rate"
        )
    facts = {
        "update": state.update,
        "complete": state.update >= config.updates,
        "policy": state.policy.config.to_json(),
        "training": asdict(config),
        "origin": origin,
        "made_with": [asdict(stamp) for stamp in with_stamp(state.made_with, present_stamp())],
        "without_gradient": _without_gradient(state),
    }
    with staged_folder(folder) as staging:
        write_tensors(staging / EMA_FILE, dict(state.ema.policy.state_dict()))
        write_tensors(staging / POLICY_FILE, weights)
        write_tensors(staging / OPTIMIZER_FILE, _optimizer_tensors(state))
        progress = encode_json(Progress.of(state).to_json(), folder / STATE_FILE)
        write_new(staging / STATE_FILE, progress)
        publish(staging, folder, KIND, facts)


def say_kept(folder: Path) -> str:
    """Verify the checkpoint left by a failed training, if any, and describe it."""
    if not folder.exists():
        return "no checkpoint had been written yet"
    return f"the checkpoint of update {checkpoint_facts(folder).update} is kept in {folder}"


def restore_checkpoint(
    folder: Path, state: TrainingState, config: TrainConfig, origin: dict[str, str]
) -> None:
    """Restore the state of a checkpoint into a newly started training.

    Everything is read and compared with what this training would write before anything changes.

    Raises:
        FmbenchError: The checkpoint is damaged or not one of fmbench, or was made with another
            configuration; the message lists the differences.
    """
    facts = checkpoint_facts(folder)
    there: dict[str, Mapping[str, object]] = {
        "policy": ChunkPolicyConfig.from_json(facts.policy).to_json(),  # with later fields
        "training": facts.training,
        "origin": facts.origin,
    }
    present: dict[str, Mapping[str, object]] = {
        "policy": state.policy.config.to_json(),
        "training": asdict(config),
        "origin": {k: v for k, v in origin.items() if k != TEACHER_UPDATES or k in facts.origin},
    }
    if differences := _differences(there, present):
        raise FmbenchError(
            f"{folder} was made with other settings ({'; '.join(differences)}); "
            "give the same settings, or another --out"
        )
    progress = read_progress(folder, facts)
    weights = read_tensors(folder / POLICY_FILE, state.policy.state_dict())
    average = read_tensors(folder / EMA_FILE, state.ema.policy.state_dict())
    path = folder / OPTIMIZER_FILE
    tensors = read_tensors(path, _expected_optimizer(state, facts))
    generator = tensors.pop(GENERATOR)
    _check_moments(tensors, facts.update, path)
    _set_generator(state.generator, generator, path)
    _load_optimizer(state, tensors)
    _load_weights(state.policy, weights, folder / POLICY_FILE)
    _load_weights(state.ema.policy, average, folder / EMA_FILE)
    state.made_with = list(facts.made_with)
    state.update, state.seconds = facts.update, progress.seconds
    state.log, state.pending_losses = list(progress.log), list(progress.pending_losses)


def load_policy(folder: Path) -> tuple[ChunkPolicy, CheckpointFacts]:
    """Load the averaged policy of a checkpoint, in evaluation mode, and its facts.

    Raises:
        FmbenchError: The checkpoint is damaged or not one of fmbench, or its weights contain NaN.
    """
    facts = checkpoint_facts(folder)
    policy = policy_with_weights(ChunkPolicyConfig.from_json(facts.policy), folder / EMA_FILE)
    return policy, facts


def policy_with_weights(config: ChunkPolicyConfig, path: Path) -> ChunkPolicy:
    """Build a policy and load its weights, in evaluation mode.

    Raises:
        FmbenchError: The file is damaged or does not fit the configuration, or contains NaN.
    """
    with torch.device("meta"):  # sizes only: nothing is allocated before the file is known to fit
        expected = ChunkPolicy(config).state_dict()
    weights = read_tensors(path, expected)
    policy = ChunkPolicy(config)
    _load_weights(policy, weights, path)
    return policy.eval()


def _optimizer_tensors(state: TrainingState) -> dict[str, Tensor]:
    """Return the tensors of the optimiser, by "index.name", and the generator's state."""
    moments = state.optimizer.state_dict()["state"]
    tensors = {f"{k}.{name}": value for k, by in moments.items() for name, value in by.items()}
    return {**tensors, GENERATOR: state.generator.get_state()}


def _expected_optimizer(state: TrainingState, facts: CheckpointFacts) -> dict[str, Tensor]:
    """Return tensors like those that `_optimizer_tensors` gives after the checkpoint's updates."""
    expected = {GENERATOR: state.generator.get_state()}
    if not facts.update or not state.policy.objective.trains:
        return expected
    for k, parameter in enumerate(_parameters(state)):
        if k in facts.without_gradient:
            continue
        scalar = torch.zeros((), dtype=torch.float32)
        expected |= {f"{k}.{name}": parameter for name in MOMENTS} | {f"{k}.step": scalar}
    return expected


def _check_moments(tensors: Mapping[str, Tensor], update: int, path: Path) -> None:
    """Reject moments of another update, and squares below zero."""
    for key, value in tensors.items():
        name = key.partition(".")[2]
        if name == "step" and float(value) != update:
            raise FmbenchError(f"{path} is of update {float(value):g}, not {update}; train again")
        if name == "exp_avg_sq" and bool((value < 0).any()):
            raise FmbenchError(f"{path} holds a negative square in {key}; train again")


def _load_optimizer(state: TrainingState, tensors: Mapping[str, Tensor]) -> None:
    """Restore an optimiser whose tensors have the expected names, types and shapes."""
    saved: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition(".")
        saved.setdefault(int(index), {})[name] = value
    groups = state.optimizer.state_dict()["param_groups"]
    state.optimizer.load_state_dict({"state": saved, "param_groups": groups})


def _parameters(state: TrainingState) -> list[nn.Parameter]:
    """Return the optimised parameters in the order of their indices."""
    return [parameter for group in state.optimizer.param_groups for parameter in group["params"]]


def _without_gradient(state: TrainingState) -> list[int]:
    """Return the indices of the parameters without a gradient so far; none before training."""
    moments = state.optimizer.state_dict()["state"]
    return [k for k in range(len(_parameters(state))) if moments and k not in moments]


def _set_generator(generator: torch.Generator, value: Tensor, path: Path) -> None:
    try:
        generator.set_state(value.cpu())
    except RuntimeError as error:
        raise FmbenchError(f"{path} holds no state of a generator: {error}") from error


def _load_weights(policy: ChunkPolicy, weights: dict[str, Tensor], path: Path) -> None:
    try:
        policy.load_state_dict(weights)
    except RuntimeError as error:
        message = " ".join(str(error).split())
        raise FmbenchError(f"{path} does not fit its configuration: {message}") from error


def _differences(
    there: Mapping[str, Mapping[str, object]], now: Mapping[str, Mapping[str, object]]
) -> list[str]:
    """Return one line per difference between the groups of two checkpoints."""
    return [
        f"{name}: {json.dumps(there[group].get(name))} there, {json.dumps(values.get(name))} now"
        for group, values in now.items()
        for name in sorted(set(there[group]) | set(values))
        if there[group].get(name) != values.get(name)
    ]
