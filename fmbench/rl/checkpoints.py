"""Checkpoints of reinforcement learning: the whole state of a training, without pickles.

stable-baselines3's own `save` writes pickled parts, and neither the replay buffer nor the running
episodes nor the generators. Here everything is a tensor in safetensors or a number in JSON.
"""

from __future__ import annotations

import json
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
from fmbench.storage.artefacts import publish, staged_folder, verify
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
        demonstration_rows: Rows of the replay buffer that hold demonstrations.
        seconds: Training time so far [s].
        log: Its log.
        made_with: Code and versions of the checkpoint from which it continues.
    """

    request: TrainingRequest
    task_hash: str
    agent: Agent
    demonstration_rows: int = 0
    seconds: float = 0.0
    log: list[LogPoint] = field(default_factory=list)
    made_with: list[Stamp] = field(default_factory=list)

    @property
    def origin(self) -> dict[str, Any]:
        """What a checkpoint of it must state."""
        return {
            **asdict(self.request),
            "recipe": self.request.kind.recipe,
            "task_hash": self.task_hash,
        }

    @property
    def is_complete(self) -> bool:
        """Whether all steps are done."""
        return int(self.agent.num_timesteps) >= self.request.done_after


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


def restore_training(folder: Path, training: AgentTraining) -> AgentFacts:
    """Restore a checkpoint into a training that has not begun.

    Raises:
        FmbenchError: The checkpoint is damaged, or of another training; the message lists the
            differences.
    """
    facts = parse(AgentFacts, verify(folder, KIND), folder / "manifest.json")
    elsewhere = ("device",) if facts.complete else ()  # it can act on another one
    if differences := _differences(facts.origin, training.origin, elsewhere):
        raise FmbenchError(
            f"{folder} was made with other settings ({'; '.join(differences)}); give the same "
            "settings, or another --out"
        )
    progress = parse(SavedProgress, read_json(folder / STATE), folder / STATE)
    agent, saved = training.agent, progress.counters
    begin(agent)
    prepare(agent, saved)
    # Everything is read and compared before anything is copied.
    files = {ACTING: acting_tensors(agent)}
    drawing: Tensors = {}
    if not facts.complete:
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
    if not facts.complete:
        restore_drawing(agent, read[TRAINING])
    training.seconds, training.log = progress.seconds, list(progress.log)
    training.made_with = list(facts.made_with)
    return facts


def _differences(
    there: Mapping[str, Any], now: Mapping[str, Any], may_differ: Sequence[str]
) -> list[str]:
    """Return one line per difference between the origins of two trainings."""
    pairs = {**{f"recipe.{k}": v for k, v in there.get("recipe", {}).items()}, **there}
    mine = {**{f"recipe.{k}": v for k, v in now["recipe"].items()}, **now}
    return [
        f"{name}: {json.dumps(pairs.get(name))} there, {json.dumps(mine.get(name))} now"
        for name in sorted(set(pairs) | set(mine))
        if name not in ("recipe", *may_differ) and pairs.get(name) != mine.get(name)
    ]
