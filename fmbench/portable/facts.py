"""What an exported policy states about itself: its use, its training, its success."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

VERSION = 1
"""Of this document; increased when a key changes its meaning."""


@dataclasses.dataclass(frozen=True)
class TaskUse:
    """The task, and what a loop around the policy must do.

    Attributes:
        id: Id of the Gymnasium environment.
        name: Name of the task.
        description: The task in one sentence.
        hash: Hash of the task's code.
        control_period_s: Duration of a control step [s].
        fields: The observation's parts, in order: name, size, unit, limit, meaning.
        actions: The actions, in order: name, and the position targets of -1 and 1 [rad or m].
    """

    id: str
    name: str
    description: str
    hash: str
    control_period_s: float
    fields: tuple[Mapping[str, Any], ...]
    actions: tuple[Mapping[str, Any], ...]


@dataclasses.dataclass(frozen=True)
class ChunkUse:
    """The policy's inputs, its output, and its sampler.

    Attributes:
        obs_horizon: Observations per window, the current one last.
        obs_dim: Numbers in one observation.
        pred_horizon: Actions in a chunk, the first for the current control step.
        exec_horizon: Actions that are executed before the next decision.
        act_dim: Numbers in one action.
        sampler: Full name of the sampler; its steps and network evaluations follow.
        steps: Steps of the sampler.
        nfe: Network evaluations of a chunk, counted at the network; None if they differ.
        noise: Shape of the noise of one chunk; empty if it needs none.
    """

    obs_horizon: int
    obs_dim: int
    pred_horizon: int
    exec_horizon: int
    act_dim: int
    sampler: str
    steps: int
    nfe: int | None
    noise: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class TrainedWith:
    """How the policy was trained.

    Attributes:
        policy: Name of the objective.
        prediction: What its network predicts.
        backbone: Name of the network.
        parameters: Number of the network's parameters.
        train_seed: The training seed.
        updates: Gradient steps; those of a teacher come on top.
        teacher_updates: The teacher's; 0 without one.
        batch_size: Windows per update.
        demonstrations: Number of demonstrations.
        by: Who made them: "the task's scripted expert", or "the user".
        demonstrations_hash: Their hash.
        weights_hash: Hash of the file of averaged weights.
        config_hash: Hash of the run's configuration.
        preset: Name of its preset.
        commit: Commit of the code that trained it.
        versions: Packages that trained it.
    """

    policy: str
    prediction: str
    backbone: str
    parameters: int
    train_seed: int
    updates: int
    teacher_updates: int
    batch_size: int
    demonstrations: int
    by: str
    demonstrations_hash: str
    weights_hash: str
    config_hash: str
    preset: str
    commit: str
    versions: str


@dataclasses.dataclass(frozen=True)
class Success:
    """Success in the run's test episodes with the same sampler and steps.

    Attributes:
        successes: Successful episodes.
        episodes: All episodes.
        low: Lower end of the 95 % interval of Wilson.
        high: Its upper end.
        first_seed: Seed of the first episode; the others follow it.
    """

    successes: int
    episodes: int
    low: float
    high: float
    first_seed: int

    @property
    def rate(self) -> float:
        """The share of successful episodes."""
        return self.successes / self.episodes


@dataclasses.dataclass(frozen=True)
class PolicyFacts:
    """Everything that an exported policy states.

    Attributes:
        task: The task.
        use: Inputs, output and sampler.
        training: The training.
        success: Success with this sampler; None if the run did not evaluate it.
        fmbench: Version of fmbench that exported it.
    """

    task: TaskUse
    use: ChunkUse
    training: TrainedWith
    success: Success | None
    fmbench: str

    @property
    def name(self) -> str:
        """The checkpoint's name."""
        return f"{self.task.name}-{self.training.policy}-seed{self.training.train_seed}"

    @property
    def sampler(self) -> str:
        """The sampler with its steps, in words."""
        steps = f"{self.use.steps} step{'s' if self.use.steps > 1 else ''}"
        return f"`{self.use.sampler}`, {steps if self.use.steps else 'adaptive steps'}"

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        return {"fmbench_policy": VERSION, **values}

    def to_text(self) -> str:
        """Return the JSON document that every exported file holds."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False)
