"""Time complete training updates of a U-Net: ours, LeRobot's, and ours in bfloat16."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from fmbench.training.loop import train
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.windows import Windows
from policies import ChunkPolicyConfig
from policies.catalogue import BACKBONES
from tests.benchmarks.interleaved import (
    Duration,
    Times,
    as_times,
    in_turn,
    now,
    ratio,
    spread,
    timed,
)
from tests.benchmarks.peers.lerobot_policy import Updates, make_policy
from tests.benchmarks.peers.problem import BATCH, make_training_windows, policy_config
from tests.benchmarks.report import Row

CONFIG = TrainConfig(batch_size=BATCH)
ROUNDS, BATCHES = 7, 8
UPDATES = {"cpu": 4, "cuda": 4 * CONFIG.log_every}
"""Updates of each side per round; on a GPU our host waits for the device at logged updates."""
LEAST_OVER_LEROBOT = {"cpu": 1.0, "cuda": 5.0}
LEAST_PER_SECOND = {"cpu": None, "cuda": 150_000.0}
LEAST_BF16, LOSS_LIMIT = 1.4, 2.0
LOSS = TrainConfig(batch_size=64, updates=150, log_every=50, warmup_updates=20)
BF16_FLAGS = ("avx512_bf16", "amx_bf16")


def measure(policy: ChunkPolicyConfig, down_dims: tuple[int, ...], device: str) -> list[Row]:
    """Return samples per second of both sides in each precision; limits apply to float32."""
    windows = make_training_windows(device)
    generator = torch.Generator(device).manual_seed(0)
    steps = torch.randint(len(windows), (BATCHES, BATCH), generator=generator, device=device)
    peer = Updates(make_policy(down_dims, device), [windows.gather(batch) for batch in steps])
    rows = []
    for precision in ("fp32", "bf16") if device == "cuda" else ("fp32",):
        config = replace(CONFIG, precision=precision)
        state = start_training(policy, config, windows, 0, device)
        ours, theirs = _in_turn_with(state, config, windows, peer, device)
        is_bound = precision == "fp32"
        least = LEAST_PER_SECOND[device] if is_bound else None
        rows += [
            _rate(f"fmbench, {precision}", ours, UPDATES[device], least),
            _rate(f"LeRobot, fp32, in turn with {precision}", theirs, UPDATES[device]),
            Row(
                f"fmbench, {precision}, over LeRobot",
                ratio(theirs.wall, ours.wall),
                cpu=ratio(theirs.cpu, ours.cpu),
                least=LEAST_OVER_LEROBOT[device] if is_bound else None,
            ),
        ]
    return rows


def _in_turn_with(
    state: TrainingState, config: TrainConfig, windows: Windows, peer: Updates, device: str
) -> tuple[Times, Times]:
    """Interleave LeRobot's updates with ours, which are one call of `train`, as in a run.

    Returns:
        Our times and LeRobot's; the first round is not recorded.
    """
    block, wait = UPDATES[device], _waiting(device)
    ours, theirs = list[Duration](), list[Duration]()
    started = now()

    def after(update: int) -> None:
        nonlocal started
        if update % block:
            return
        wait()
        between = now()
        peer(block)
        wait()
        ours.append(between - started)
        started = now()
        theirs.append(started - between)

    train(state, config, windows, should_stop=lambda: len(ours) > ROUNDS, on_update=after)
    return as_times(ours[1:]), as_times(theirs[1:])


def measure_precision(size: str) -> list[Row]:
    """Return each backbone's speed in bfloat16 over float32 on this CPU, and the U-Net's loss."""
    windows, rows = make_training_windows("cpu"), []
    has_bf16 = bool(bf16_instructions())
    for backbone in BACKBONES:
        policy = policy_config(backbone, size)
        runs = {name: _block(policy, name, windows) for name in ("fp32", "bf16")}
        times = in_turn({name: timed(run) for name, run in runs.items()}, ROUNDS)
        full, half = times["fp32"], times["bf16"]
        least = LEAST_BF16 if backbone == "unet" and has_bf16 else None
        rows += [_rate(f"{backbone}, {name}", times[name], UPDATES["cpu"]) for name in runs]
        gain, of_cpu = ratio(full.wall, half.wall), ratio(full.cpu, half.cpu)
        rows.append(Row(f"{backbone}, bf16 over fp32", gain, cpu=of_cpu, least=least))
    losses = [_final_loss(policy_config("unet", size), name, windows) for name in ("fp32", "bf16")]
    change = np.array([100 * abs(losses[1] / losses[0] - 1)])
    name = f"unet, final loss {losses[0]:.4f} in fp32, {losses[1]:.4f} in bf16: difference"
    return [*rows, Row(name, spread(change), 2, "%", limit=LOSS_LIMIT)]


def bf16_instructions() -> list[str]:
    """Return the bfloat16 instructions that this processor reports; Linux only."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    return [flag for flag in BF16_FLAGS if flag in flags]


def _block(policy: ChunkPolicyConfig, precision: str, windows: Windows) -> Callable[[], object]:
    """Return a function that makes the next updates of a training on the CPU."""
    config = replace(CONFIG, precision=precision)
    state = start_training(policy, config, windows, 0)

    def run() -> None:
        end = state.update + UPDATES["cpu"]
        train(state, config, windows, should_stop=lambda: state.update >= end)

    return run


def _final_loss(policy: ChunkPolicyConfig, precision: str, windows: Windows) -> float:
    config = replace(LOSS, precision=precision)
    state = start_training(policy, config, windows, 0)
    train(state, config, windows)
    return state.log[-1].loss


def _waiting(device: str) -> Callable[[], None]:
    """Return a function that waits for the device."""
    return torch.cuda.synchronize if device == "cuda" else lambda: None


def _rate(name: str, times: Times, updates: int, least: float | None = None) -> Row:
    samples = updates * BATCH
    return Row(
        name,
        spread(samples / times.wall),
        0,
        "samples/s",
        spread(samples / times.cpu),
        least=least,
    )
