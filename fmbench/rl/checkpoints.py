"""Checkpoints of reinforcement learning: the whole state of a training, without pickles.

stable-baselines3's own `save` writes pickled parts, and neither the replay buffer nor the running
episodes nor the generators. Here everything is a tensor in safetensors or a number in JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from pydantic import NonNegativeFloat, NonNegativeInt
from stable_baselines3 import SAC

from fmbench.errors import FmbenchError, RunFailed
from fmbench.rl.agents import Agent, TrainingRequest
from fmbench.rl.state import (
    Counters,
    Tensors,
    acting_tensors,
    begin,
    counters,
    drawing_tensors,
    prepare,
    replay_tensors,
    restore_drawing,
    training_tensors,
)
from fmbench.storage.artefacts import MANIFEST, publish, staged_folder, verify
from fmbench.storage.files import encode_json, read_json, write_new
from fmbench.storage.stamps import Stamp, present_stamp, with_stamp
from fmbench.storage.typed import STRICT, parse
from fmbench.training.tensor_files import first_not_finite, read_tensors, write_tensors

KIND = "agent"
ACTING, TRAINING, REPLAY, STATE = (
    "agent.safetensors",
    "training.safetensors",
    "replay.safetensors",
    "state.json",
)
Values = dict[str, float]


@dataclass(frozen=True)
class LogPoint:
    """What a training looked like after some steps.

    Attributes:
        steps: Environment steps.
        success: Share of the last episodes that succeeded, up to 100; exploration included.
        episode_return: Their mean return, in the rewards on which is trained.
        losses: The last losses of the networks, by stable-baselines3's names.
    """

    __pydantic_config__: ClassVar[Any] = STRICT

    steps: NonNegativeInt
    success: NonNegativeFloat
    episode_return: float
    losses: dict[str, float]


@dataclass
class AgentTraining:
    """An agent under training.

    Attributes:
        request: What decides it.
        task_hash: Hash of the task.
        agent: The agent.
        seconds: Training time so far [s].
        limit_s: Training time after which it ends before all steps are done [s].
        has_ended: Whether it has ended, in a checkpoint from which nothing continues.
        log: Its log.
        made_with: Code and versions of the checkpoint from which it continues.
    """

    request: TrainingRequest
    task_hash: str
    agent: Agent
    seconds: float = 0.0
    limit_s: float = math.inf
    has_ended: bool = False
    log: list[LogPoint] = field(default_factory=list)
    made_with: list[Stamp] = field(default_factory=list)

    @property
    def origin(self) -> dict[str, Any]:
        """What a checkpoint of it must state."""
        return origin_of(self.request, self.task_hash)

    @property
    def is_complete(self) -> bool:
        """Whether all steps are done, or its time is up."""
        is_done = int(self.agent.num_timesteps) >= self.request.done_after
        return is_done or self.has_ended or self.seconds >= self.limit_s


@dataclass(frozen=True)
class AgentFacts:
    """The manifest of a checkpoint."""

    __pydantic_config__: ClassVar[Any] = STRICT

    schema: int
    kind: str
    complete: bool
    origin: dict[str, Any]
    made_with: list[Stamp]
    sha256: dict[str, str]
    manifest_sha256: str

    @property
    def commit(self) -> str:
        """The commit that started it."""
        return self.made_with[0].commit if self.made_with else ""


@dataclass(frozen=True)
class SavedProgress:
    """The content of `state.json`."""

    __pydantic_config__: ClassVar[Any] = STRICT

    seconds: NonNegativeFloat
    log: list[LogPoint]
    counters: Counters


def origin_of(request: TrainingRequest, task_hash: str) -> dict[str, Any]:
    """Return what a checkpoint of a training must state."""
    return {**asdict(request), "recipe": request.kind.recipe, "task_hash": task_hash}


def check_alike(folder: Path, origin: Mapping[str, Any]) -> None:
    """Check that a checkpoint is of a training that differs in its seed and its device only.

    Raises:
        FmbenchError: It is not; the message lists the differences.
    """
    there = read_json(folder / MANIFEST).get("origin")
    _check_origin(
        folder, there if isinstance(there, dict) else {}, origin, ("train_seed", "device")
    )


def save_training(folder: Path, training: AgentTraining) -> None:
    """Publish the state of a training between two rollouts, replacing an earlier checkpoint.

    One that is complete has only what is needed to act.

    Raises:
        RunFailed: A weight is NaN or infinite, or the disk is full; an earlier one is kept.
    """
    agent = training.agent
    acting = acting_tensors(agent)
    if bad := first_not_finite(acting):
        raise RunFailed(
            f"training failed by step {agent.num_timesteps}: {bad} contains NaN or infinity"
        )
    stamps = with_stamp(training.made_with, present_stamp())
    facts = {
        "complete": training.is_complete,
        "origin": training.origin,
        "made_with": [asdict(stamp) for stamp in stamps],
    }
    progress = SavedProgress(training.seconds, training.log, counters(agent))
    with staged_folder(folder) as staging:
        write_tensors(staging / ACTING, acting)
        if not training.is_complete:
            write_tensors(staging / TRAINING, training_tensors(agent) | drawing_tensors(agent))
            if isinstance(agent, SAC):
                rows = progress.counters.replay_rows
                write_tensors(staging / REPLAY, replay_tensors(agent, rows))
        text = encode_json(asdict(progress), folder / STATE)
        write_new(staging / STATE, text)
        publish(staging, folder, KIND, facts)


def restore_training(folder: Path, training: AgentTraining, only_acts: bool = False) -> AgentFacts:
    """Restore a checkpoint into a training that has not begun.

    Args:
        folder: The checkpoint.
        training: The training.
        only_acts: Whether an unfinished one is only to act, too: on any device, not to go on.

    Raises:
        FmbenchError: The checkpoint is damaged, or of another training; the message lists the
            differences.
    """
    facts = parse(AgentFacts, verify(folder, KIND), folder / MANIFEST)
    only_acts = only_acts or facts.complete
    elsewhere = ("device",) if only_acts else ()  # it can act on another one
    _check_origin(folder, facts.origin, training.origin, elsewhere)
    progress = parse(SavedProgress, read_json(folder / STATE), folder / STATE)
    agent, saved = training.agent, progress.counters
    begin(agent)
    prepare(agent, saved)
    # Everything is read and compared before anything is copied.
    files = {ACTING: acting_tensors(agent)}
    drawing: Tensors = {}
    if not only_acts:
        drawing = drawing_tensors(agent)
        files[TRAINING] = training_tensors(agent) | drawing
        if isinstance(agent, SAC):
            files[REPLAY] = replay_tensors(agent, saved.replay_rows)
    read = {name: read_tensors(folder / name, expected) for name, expected in files.items()}
    with torch.no_grad():
        for name, tensors in files.items():
            for key, tensor in tensors.items():
                if key not in drawing:
                    tensor.copy_(read[name][key])
    if not only_acts:
        restore_drawing(agent, read[TRAINING])
    training.seconds, training.log = progress.seconds, list(progress.log)
    training.has_ended = facts.complete
    training.made_with = list(facts.made_with)
    return facts


def _check_origin(
    folder: Path, there: Mapping[str, Any], now: Mapping[str, Any], may_differ: Sequence[str]
) -> None:
    """Reject a checkpoint whose origin differs elsewhere.

    Raises:
        FmbenchError: It does; the message lists the differences.
    """
    before, here = _flat(there), _flat(now)
    differences = [
        f"{name}: {json.dumps(before.get(name))} there, {json.dumps(here.get(name))} now"
        for name in sorted(set(before) | set(here))
        if name not in may_differ and before.get(name) != here.get(name)
    ]
    if differences:
        raise FmbenchError(
            f"{folder} was made with other settings ({'; '.join(differences)}); give the same "
            "settings, or another --out"
        )


def _flat(origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return an origin with each hyperparameter as a value of its own."""
    recipe = origin.get("recipe")
    if not isinstance(recipe, Mapping):
        return dict(origin)
    rest = {name: value for name, value in origin.items() if name != "recipe"}
    return {**rest, **{f"recipe.{name}": value for name, value in recipe.items()}}
