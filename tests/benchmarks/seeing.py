"""Time the training of an encoder of pictures on a CUDA device, beside the loop that is usual.

The usual loop, re-created here with the same network: worker processes gather windows of float
pictures, the update is eager in float32, the average of the weights is a loop over parameters, and
every loss is read back. The pictures are in memory: nothing is decoded.
"""

import copy
import os
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

import fmbench
from fmbench.cli.torch_settings import configure_torch
from fmbench.training.compiled import compile_encoders
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.update import GraphUpdate
from fmbench.training.windows import Windows
from policies import ChunkPolicyConfig
from tests.benchmarks.gpu import rate
from tests.benchmarks.interleaved import Spread, ratio, spread
from tests.benchmarks.report import Row, describe_machine, run_alone

AGENT_DIM, ACT_DIM, OBS_HORIZON, PRED_HORIZON, SIZE = 40, 20, 2, 16, 96  # like LiftCube
STEPS = 8_000
BATCH, ROUNDS = 256, 5
DEVICE = "cuda"
RATE_LIMIT, RATIO_LIMIT = 100, 4.0
PACKAGES = ("torch", "numpy")


def measure() -> Iterator[Row]:
    """Time our updates with and without compilation, and the usual loop, in turn."""
    configure_torch(DEVICE)
    windows = random_windows()
    config = TrainConfig(updates=100_000, batch_size=BATCH, precision="bf16")
    compiled, captured = (start(windows, config) for _ in range(2))
    began = time.perf_counter()
    reason = compile_encoders([compiled], config, windows)
    assert reason is None, reason
    seconds = time.perf_counter() - began
    yield Row("compilation, once", Spread(seconds, seconds, seconds), 1, "s")
    loops = {
        "compiled": GraphUpdate(compiled, config, windows),
        "captured": GraphUpdate(captured, config, windows),
        "usual": usual_loop(windows, TrainConfig(updates=100_000, batch_size=BATCH)),
    }
    rates: dict[str, list[float]] = {kind: [] for kind in loops}
    for _ in range(ROUNDS):
        for kind, update in loops.items():
            rates[kind].append(rate([update], torch.cuda.synchronize))
    ours, eager, usual = (np.array(rates[kind]) for kind in loops)
    name = f"resnet18, {BATCH} x {OBS_HORIZON} pictures of one camera"
    yield Row(f"{name}, bf16", spread(ours), 1, "updates/s", least=RATE_LIMIT)
    yield Row(f"{name}, bf16, without compilation", spread(eager), 1, "updates/s")
    yield Row(f"{name}, the usual loop", spread(usual), 1, "updates/s")
    yield Row(f"{name}, ours over the usual loop", ratio(ours, usual), least=RATIO_LIMIT)


def random_windows() -> Windows:
    """Return random windows of a task's shapes; speed does not depend on values."""
    generator = torch.Generator(DEVICE).manual_seed(0)
    rows = torch.arange(STEPS, device=DEVICE)[:, None]
    behind = torch.arange(1 - OBS_HORIZON, 1, device=DEVICE)
    ahead = torch.arange(PRED_HORIZON, device=DEVICE)
    size, options = (STEPS, 1, SIZE, SIZE, 3), {"generator": generator, "device": DEVICE}
    return Windows(
        torch.randn(STEPS, AGENT_DIM, generator=generator, device=DEVICE),
        torch.rand(STEPS, ACT_DIM, generator=generator, device=DEVICE) * 2 - 1,
        (rows + behind).clamp(min=0),
        (rows + ahead).clamp(max=STEPS - 1),
        torch.randint(256, size, dtype=torch.uint8, **options),  # type: ignore[call-overload]
    )


def start(windows: Windows, config: TrainConfig) -> TrainingState:
    """Start the training of a flow that sees with `resnet18`."""
    pixels = SIZE * SIZE * 3
    shape = ChunkPolicyConfig(
        AGENT_DIM + pixels,
        ACT_DIM,
        OBS_HORIZON,
        PRED_HORIZON,
        encoder="resnet18",
        seen_dim=pixels,
        cameras=1,
        image_size=SIZE,
        features=128,
    )
    return start_training(shape, config, windows, 0, DEVICE)


class _FloatWindows(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Windows that worker processes gather one by one, with pictures as floats."""

    def __init__(self, windows: Windows) -> None:
        assert windows.seen is not None
        self._tensors = [
            tensor.cpu() for tensor in (windows.observations, windows.seen, windows.actions)
        ]
        self._indices = windows.observation_index.cpu(), windows.action_index.cpu()

    def __len__(self) -> int:
        return STEPS

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        observations, seen, actions = self._tensors
        rows, chunk = (index[step] for index in self._indices)
        return torch.cat((observations[rows], seen[rows].flatten(1).float()), 1), actions[chunk]


def usual_loop(windows: Windows, config: TrainConfig) -> Callable[[], object]:
    """Return a function that makes one update in the usual way."""
    state = start(windows, config)
    average = copy.deepcopy(state.policy)
    optimizer = torch.optim.AdamW(state.policy.parameters(), 1e-4)
    workers = max(2, min(14, (os.cpu_count() or 2) - 2))

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        loader = DataLoader(
            _FloatWindows(windows),
            BATCH,
            shuffle=True,
            num_workers=workers,
            pin_memory=True,
            persistent_workers=True,
            drop_last=True,
        )
        while True:
            yield from loader

    stream = batches()

    def update() -> None:
        observations, actions = (part.to(DEVICE, non_blocking=True) for part in next(stream))
        loss = state.policy.loss(observations, actions, state.generator)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(state.policy.parameters(), config.gradient_clip)
        optimizer.step()
        with torch.no_grad():
            for mean, new in zip(average.parameters(), state.policy.parameters(), strict=True):
                mean.mul_(config.ema_decay).add_(new, alpha=1 - config.ema_decay)
        loss.item()

    return update


def main() -> int:
    """Print the measurements as they are made; the exit code is 1 if a limit is not met."""
    return run_alone("seeing", f"Training with pictures of {SIZE} x {SIZE} px", measure, _machine)


def _machine(load: float) -> str:
    described = describe_machine(load, PACKAGES)
    return f"{torch.cuda.get_device_name()}; {described} fmbench {fmbench.__version__}."


if __name__ == "__main__":
    raise SystemExit(main())
