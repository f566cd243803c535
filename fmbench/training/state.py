"""Configuration, state and start of a training."""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from fmbench.config import PRECISIONS
from fmbench.errors import FmbenchError, unknown
from fmbench.storage.stamps import Stamp
from fmbench.storage.typed import STRICT
from fmbench.training.adamw import PlainAdamW
from fmbench.training.ema import EMA
from fmbench.training.windows import Windows
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig
from policies.teaching import teach

FEATURE_ROWS = 1024
"""Rows of stored features whose statistics are computed at once."""


@dataclass(frozen=True)
class TrainConfig:
    """Training configuration, shared by all policies of a comparison.

    Attributes:
        updates: Gradient steps.
        batch_size: Windows per update.
        learning_rate: Peak of the schedule: linear warm-up, then cosine to 0.
        encoder_learning_rate: Its peak for an encoder of pictures; 0 for `learning_rate`.
        warmup_updates: Length of the warm-up in updates.
        weight_decay: Weight decay of AdamW.
        gradient_clip: Largest gradient norm.
        ema_decay: Largest decay of the averaged weights.
        log_every: Updates between logged rows and checks for NaN.
        precision: Precision of the layers: "fp32", or "bf16" in the operations for which torch's
            autocast uses it. Weights, averages, gradients of weights, noise and loss are float32.
    """

    updates: int = 5000
    batch_size: int = 256
    learning_rate: float = 1e-3
    encoder_learning_rate: float = 0.0
    warmup_updates: int = 200
    weight_decay: float = 1e-4
    gradient_clip: float = 1.0
    ema_decay: float = 0.999
    log_every: int = 50
    precision: str = "fp32"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        for name in ("updates", "batch_size", "log_every"):
            value = getattr(self, name)
            if value < 1:
                raise FmbenchError(f"{name} is {value}; give a whole number of at least 1")
        for name in ("learning_rate", "gradient_clip"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise FmbenchError(f"{name} is {value}; give a number above 0")

    def learning_rate_at(self, update: int) -> float:
        """Return the learning rate of update `update` (from 0)."""
        warm = min(1.0, (update + 1) / max(1, self.warmup_updates))
        return self.learning_rate * warm * 0.5 * (1.0 + math.cos(math.pi * update / self.updates))


@dataclass(frozen=True)
class LogEntry:
    """One logged update, counted from 1: mean loss since the last entry, and gradient norm."""

    __pydantic_config__: ClassVar[Any] = STRICT

    update: int
    loss: float
    learning_rate: float
    gradient_norm: float


@dataclass
class TrainingState:
    """Everything that training changes; saved by `fmbench.training.checkpoints`."""

    policy: ChunkPolicy
    ema: EMA
    optimizer: torch.optim.AdamW
    generator: torch.Generator
    update: int = 0
    seconds: float = 0.0
    log: list[LogEntry] = field(default_factory=list)
    pending_losses: list[Tensor | float] = field(default_factory=list)
    made_with: list[Stamp] = field(default_factory=list)
    """Code and versions of the checkpoint from which this training continues."""

    def losses_since_log(self) -> list[float]:
        """Return the pending losses as numbers, in one transfer from their device."""
        numbers = [loss for loss in self.pending_losses if not isinstance(loss, Tensor)]
        tensors = [loss for loss in self.pending_losses if isinstance(loss, Tensor)]
        return numbers + (torch.stack(tensors).tolist() if tensors else [])


def build_policy(config: ChunkPolicyConfig, train_seed: int) -> ChunkPolicy:
    """Build a policy whose initial weights depend only on `train_seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(train_seed)  # torch.manual_seed would seed GPUs too
        return ChunkPolicy(config)


def size_of(config: ChunkPolicyConfig) -> int:
    """Return the size of a policy's weights [bytes], without allocating them."""
    with torch.device("meta"):
        policy = ChunkPolicy(config)
    return sum(weight.numel() * weight.element_size() for weight in policy.parameters())


def start_training(
    policy_config: ChunkPolicyConfig,
    config: TrainConfig,
    windows: Windows,
    train_seed: int,
    device: str = "cpu",
    teacher: ChunkPolicy | None = None,
    eyes: nn.Module | None = None,
) -> TrainingState:
    """Build a policy, fit its normalisers and create its optimiser.

    Args:
        policy_config: The policy configuration.
        config: The training configuration.
        windows: The training data.
        train_seed: Seed of the initial weights and of all random numbers in training.
        device: The device to train on.
        teacher: The trained policy that an objective with a `teacher` starts and learns from.
        eyes: An encoder whose `network` has the initial weights of the policy's; None for its own.

    Raises:
        ValueError: The teacher does not match, or the objective has none; see `policies.teaching`.
    """
    policy = build_policy(policy_config, train_seed)
    policy.fit_normalizers(windows.observations.cpu(), windows.actions.cpu())
    if policy_config.groups and windows.seen is not None:
        policy.fit_features(torch.split(windows.seen, FEATURE_ROWS))
    if eyes is not None:
        policy.see_with(eyes)
    if teacher is not None:
        teach(policy, teacher)
    policy.to(device).train()
    optimizer = PlainAdamW(
        _groups(policy, config),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=True,
    )
    # Batches and noise are drawn on the training device, with the policy's own seed.
    generator = torch.Generator(device).manual_seed(train_seed)
    ema = EMA(policy, min(config.ema_decay, policy.objective.largest_average_decay))
    policy.objective.follow(ema.policy.network)
    return TrainingState(policy, ema, optimizer, generator)


def _groups(policy: ChunkPolicy, config: TrainConfig) -> list[dict[str, Any]]:
    """Return the parameters in groups, each with its share of the learning rate.

    A group may be empty, a list of groups may not.
    """
    eyes = {id(p) for p in policy.trained_eyes()} if config.encoder_learning_rate else set()
    groups: list[dict[str, Any]] = [
        {"params": [p for p in policy.parameters() if id(p) not in eyes], "share": 1.0}
    ]
    if eyes:
        share = config.encoder_learning_rate / config.learning_rate
        groups.append({"params": policy.trained_eyes(), "share": share})
    return groups
