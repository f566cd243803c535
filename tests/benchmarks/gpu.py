"""Time training and sampling on a CUDA device: captured graphs against single operations."""

import argparse
import copy
import itertools
import os
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

import fmbench
from fmbench.cli.torch_settings import configure_torch
from fmbench.training.state import TrainConfig, TrainingState, start_training
from fmbench.training.update import EagerUpdate, GraphUpdate
from fmbench.training.windows import Windows
from policies import ChunkPolicyConfig
from policies.backbones.shape import NetworkShape
from policies.backbones.sizes import sized
from policies.catalogue import BACKBONES, SIZES
from policies.graph_sampler import make_sampling
from tests.benchmarks.interleaved import Spread, ratio, spread
from tests.benchmarks.report import Row, describe_machine, markdown, write

OBS_DIM, ACT_DIM, OBS_HORIZON, PRED_HORIZON = 89, 20, 2, 16  # like LiftCube
STEPS, EPISODE_STEPS = 55_000, 110
DEVICE = "cuda"
PACKAGES = ("torch", "numpy")
UPDATES, ROUNDS, SHARING = 60, 3, 8
TARGET = ("unet", "base")
SAMPLES_LIMIT, SHARING_LIMIT, LATENCY_LIMIT_MS, BATCH_LIMIT = 150_000, 2.0, 2.0, 1.5


def measure() -> Iterator[Row]:
    """Check that a graph trains as single operations do, then time both."""
    configure_torch(DEVICE)
    windows = random_windows()
    yield _same_weights(windows)
    yield _no_waiting(windows)
    yield from _throughput(windows, "unet", "base")
    yield from _sharing(windows, "unet", "base")
    yield from _decisions("unet", "base")
    yield from _sharing(windows, "mlp", "small")
    for backbone, size in itertools.product(BACKBONES, SIZES):
        if (backbone, size) != ("unet", "base"):
            yield from _throughput(windows, backbone, size)
    yield from _decisions("mlp", "base")
    yield from _decisions("dit", "base")


def random_windows() -> Windows:
    """Return windows of a task's shapes over random numbers: speed does not read values."""
    generator = torch.Generator(DEVICE).manual_seed(0)
    first = torch.arange(STEPS, device=DEVICE)
    end = first - first % EPISODE_STEPS + EPISODE_STEPS - 1
    ahead = torch.arange(PRED_HORIZON, device=DEVICE)
    behind = torch.arange(1 - OBS_HORIZON, 1, device=DEVICE)
    return Windows(
        torch.randn(STEPS, OBS_DIM, generator=generator, device=DEVICE),
        torch.rand(STEPS, ACT_DIM, generator=generator, device=DEVICE) * 2 - 1,
        (first[:, None] + behind).clamp(min=0),
        torch.minimum(first[:, None] + ahead, end[:, None]),
    )


def start(windows: Windows, backbone: str, size: str, config: TrainConfig, seed: int = 0,
          objective: str = "flow") -> TrainingState:  # fmt: skip
    """Begin a training on the device."""
    shape = sized(NetworkShape(ACT_DIM, PRED_HORIZON, OBS_HORIZON * OBS_DIM), backbone, size)
    sizes = (shape.width, shape.depth)
    policy = ChunkPolicyConfig(
        OBS_DIM, ACT_DIM, OBS_HORIZON, PRED_HORIZON, objective, "sample", backbone, *sizes
    )
    return start_training(policy, config, windows, seed, DEVICE)


def _same_weights(windows: Windows) -> Row:
    """Train twice, replayed and operation by operation; return the largest difference."""
    config, found = TrainConfig(updates=1000), []
    for replayed in (True, False):
        state = start(windows, "unet", "small", config)
        update = GraphUpdate(state, config, windows)
        for _ in range(100):
            if not replayed:
                update._done = 0  # never captures
            update()
        update.wait()
        found.append([p.detach().clone() for p in state.ema.policy.parameters()])
    difference = max(float((a - b).abs().max()) for a, b in zip(*found, strict=True))
    return Row("weights after 100 updates, graph minus operations, largest",
               Spread(difference, difference, difference), 8, limit=1e-4)  # fmt: skip


def _no_waiting(windows: Windows) -> Row:
    """Make updates while torch raises at anything that would wait for the device."""
    config = TrainConfig(updates=1000)
    state = start(windows, "unet", "small", config)
    update = GraphUpdate(state, config, windows)
    for _ in range(10):
        update()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(100):
            update()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    update.wait()
    return Row("updates that waited for the device, of 100", Spread(0, 0, 0), 0, limit=0)


def _rate(updates: list[Callable[[], object]], wait: Callable[[], None]) -> float:
    """Return updates per second of all together."""
    for _ in range(8):
        for update in updates:
            update()
    wait()
    begun = time.perf_counter()
    for _ in range(UPDATES):
        for update in updates:
            update()
    wait()
    return UPDATES * len(updates) / (time.perf_counter() - begun)


def _throughput(windows: Windows, backbone: str, size: str) -> list[Row]:
    config = TrainConfig(updates=100_000)
    kinds = {
        "graph": GraphUpdate(start(windows, backbone, size, config), config, windows),
        "operations": EagerUpdate(start(windows, backbone, size, config), config, windows),
    }
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind, update in kinds.items():
            rates[kind].append(_rate([update], torch.cuda.synchronize))
    graph, operations = (config.batch_size * np.array(rates[kind]) for kind in kinds)
    parameters = sum(p.numel() for p in kinds["graph"].state.policy.parameters())
    name = f"{backbone} {size} ({parameters:,} parameters), batch {config.batch_size}"
    least = SAMPLES_LIMIT if (backbone, size) == TARGET else None
    return [
        Row(f"{name}, graph", spread(graph), 0, "samples/s", least=least),
        Row(f"{name}, graph over operations", ratio(graph, operations)),
    ]


def _sharing(windows: Windows, backbone: str, size: str) -> list[Row]:
    """Compare several seeds at once with one after the other."""
    config = TrainConfig(updates=100_000)
    updates = [
        GraphUpdate(start(windows, backbone, size, config, seed), config, windows)
        for seed in range(SHARING)
    ]
    rows = []
    for count in (2, 3, 4, SHARING):
        together, alone = [], []
        for _ in range(ROUNDS):
            together.append(_rate(list(updates[:count]), torch.cuda.synchronize))
            alone.append(_rate([updates[0]], torch.cuda.synchronize))
        name = f"{backbone} {size}, {count} seeds at once over one after the other"
        least = SHARING_LIMIT if (backbone, count) == ("mlp", SHARING) else None
        rows.append(Row(name, ratio(np.array(together), np.array(alone)), least=least))
    return rows


def _decisions(backbone: str, size: str) -> list[Row]:
    """Time chunks, noise in and actions out, at batch 1 and 128."""
    windows = random_windows()
    state = start(windows, backbone, size, TrainConfig())
    policy = copy.deepcopy(state.ema.policy).eval()
    medians, rows = {}, []
    is_bound = (backbone, size) == TARGET
    for batch in (1, 128):
        sampling = make_sampling(policy, "euler", 10, batch)
        observations = windows.observations[windows.observation_index[:batch]]
        noise = torch.randn(batch, PRED_HORIZON, ACT_DIM, device=DEVICE)
        seconds = []
        for _ in range(300):
            begun = time.perf_counter()
            sampling(observations, lambda noise=noise: noise).actions.cpu()
            seconds.append(time.perf_counter() - begun)
        medians[batch] = 1e3 * np.array(seconds[50:])
        p50, p1, p99 = np.percentile(medians[batch], (50, 1, 99)).tolist()
        limit = LATENCY_LIMIT_MS if is_bound and batch == 1 else None
        name = f"{backbone} {size}, flow, 10 Euler steps, batch {batch}"
        rows.append(Row(name, Spread(p50, p1, p99), 2, "ms", limit=limit))
    of_medians = ratio(np.median(medians[128], keepdims=True), np.median(medians[1], keepdims=True))
    limit = BATCH_LIMIT if is_bound else None
    rows.append(Row(f"{backbone} {size}, batch 128 over batch 1", of_medians, limit=limit))
    return rows


def main() -> int:
    """Print the measurements as they come; exit code 1 says that a limit is not met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    given = parser.parse_args()
    load, rows = os.getloadavg()[0], []
    for row in measure():
        print(*row.cells(), sep=" | ", flush=True)
        rows.append(row)
    if given.write:
        machine = f"{torch.cuda.get_device_name()}; {describe_machine(load, PACKAGES, busy=1)}"
        title = "Captured graphs, LiftCube's dims, TF32"
        write(markdown([(title, rows)], f"{machine} fmbench {fmbench.__version__}."), "gpu")
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
