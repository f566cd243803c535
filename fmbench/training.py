"""Train one chunk policy on demonstrations: the update loop, exactly resumable."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fmbench.config import CHOICES
from fmbench.ema import EMA
from fmbench.errors import FmbenchError, RunFailed, unknown
from fmbench.windows import Windows
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig


@dataclass(frozen=True)
class TrainConfig:
    """How every policy of a comparison is trained.

    Attributes:
        updates: Gradient steps.
        batch_size: Windows per update.
        learning_rate: Peak of the schedule: linear warm-up, then cosine to 0.
        warmup_updates: Length of the warm-up.
        weight_decay: Of AdamW.
        gradient_clip: Largest gradient norm.
        ema_decay: Largest decay of the averaged weights.
        log_every: Updates between logged rows and checks for NaN.
        precision: Numbers that the layers compute with: "fp32", or "bf16", where torch's autocast
            thinks it safe. Weights, averages, gradients of weights, noise and loss are float32.
    """

    updates: int = 5000
    batch_size: int = 256
    learning_rate: float = 1e-3
    warmup_updates: int = 200
    weight_decay: float = 1e-4
    gradient_clip: float = 1.0
    ema_decay: float = 0.999
    log_every: int = 50
    precision: str = "fp32"

    def __post_init__(self) -> None:
        if self.precision not in CHOICES["precision"]:
            raise unknown("precision", self.precision, CHOICES["precision"])
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
    """One logged update (counted from 1): mean loss since the last entry, and gradient norm."""

    update: int
    loss: float
    learning_rate: float
    gradient_norm: float


@dataclass
class TrainingState:
    """Everything that training changes; `fmbench.checkpoints` saves and restores it."""

    policy: ChunkPolicy
    ema: EMA
    optimizer: torch.optim.AdamW
    generator: torch.Generator
    update: int = 0
    seconds: float = 0.0
    log: list[LogEntry] = field(default_factory=list)
    pending_losses: list[Tensor | float] = field(default_factory=list)


def build_policy(config: ChunkPolicyConfig, train_seed: int) -> ChunkPolicy:
    """Build a policy whose initial weights are a function of `train_seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(train_seed)  # torch.manual_seed would seed GPUs too
        return ChunkPolicy(config)


def start_training(
    policy_config: ChunkPolicyConfig,
    config: TrainConfig,
    windows: Windows,
    train_seed: int,
    device: str = "cpu",
) -> TrainingState:
    """Build a policy, fit its normalisers and lay out its optimiser."""
    policy = build_policy(policy_config, train_seed)
    policy.fit_normalizers(windows.observations.cpu(), windows.actions.cpu())
    policy.to(device).train()
    optimizer = torch.optim.AdamW(
        policy.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        fused=True,
    )
    # Data and noise are drawn on the CPU only when it trains there; the seed is the policy's own.
    generator = torch.Generator(device).manual_seed(train_seed)
    return TrainingState(policy, EMA(policy, config.ema_decay), optimizer, generator)


def train(
    state: TrainingState,
    config: TrainConfig,
    windows: Windows,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_update: Callable[[int], None] = lambda update: None,
) -> bool:
    """Go on training until the configured number of updates, or until asked to stop.

    Args:
        state: Changed in place.
        config: The same as when training began.
        windows: The same as when training began.
        should_stop: Asked before each update.
        on_update: Called with the number of updates done, after each.

    Returns:
        Whether training is complete.

    Raises:
        RunFailed: The loss or the gradient became NaN or infinite.
    """
    parameters = list(state.policy.parameters())
    started = time.perf_counter()
    on_cpu = windows.actions.device.type == "cpu"
    while state.update < config.updates:
        if should_stop():
            return False
        loss, norm = _update(state, config, windows, parameters)
        state.pending_losses.append(loss)
        if state.update % config.log_every == 0 or state.update == config.updates:
            _log(state, config, norm)
        elif on_cpu:  # on a GPU this would wait for the device at every update
            _check_finite(state.update, float(loss), float(norm))
        now = time.perf_counter()
        state.seconds, started = state.seconds + now - started, now
        on_update(state.update)
    return True


def _update(
    state: TrainingState,
    config: TrainConfig,
    windows: Windows,
    parameters: list[torch.nn.Parameter],
) -> tuple[Tensor, Tensor]:
    """Make one update; return its loss and its gradient norm, before clipping."""
    rate = config.learning_rate_at(state.update)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    steps = torch.randint(
        len(windows),
        (config.batch_size,),
        generator=state.generator,
        device=windows.actions.device,
    )
    observations, actions = windows.gather(steps)
    with torch.autocast(actions.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
        loss = state.policy.loss(observations, actions, state.generator)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(parameters, config.gradient_clip)
    state.optimizer.step()
    state.update += 1
    state.ema.update(state.update)
    return loss.detach(), norm.detach()


def _log(state: TrainingState, config: TrainConfig, norm: Tensor) -> None:
    mean = sum(float(loss) for loss in state.pending_losses) / len(state.pending_losses)
    _check_finite(state.update, mean, float(norm))
    rate = config.learning_rate_at(state.update - 1)
    state.log.append(LogEntry(state.update, mean, rate, float(norm)))
    state.pending_losses.clear()


def _check_finite(update: int, loss: float, norm: float) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise RunFailed(
            f"training stopped at update {update}: loss {loss}, gradient norm {norm}; the last "
            "checkpoint is kept; try a lower learning rate"
        )


def averaged_policy(state: TrainingState) -> ChunkPolicy:
    """Return a copy of the averaged policy, ready to act."""
    return copy.deepcopy(state.ema.policy).eval()
