"""Time training and sampling on a CUDA device, with captured graphs and in eager mode."""

import copy
import itertools
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
from tests.benchmarks.report import Row, describe_machine, run_alone

OBS_DIM, ACT_DIM, OBS_HORIZON, PRED_HORIZON = 89, 20, 2, 16  # like LiftCube
STEPS, EPISODE_STEPS = 55_000, 110
DEVICE = "cuda"
PACKAGES = ("torch", "numpy")
UPDATES, ROUNDS, SHARING = 60, 3, 8
TARGET = ("unet", "base")
SAMPLES_LIMIT, SHARING_LIMIT, LATENCY_LIMIT_MS, BATCH_LIMIT = 150_000, 2.0, 2.0, 1.5


def measure() -> Iterator[Row]:
    """Check that graph and eager updates give the same weights, then time both."""
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
    """Return random windows of a task's shapes; speed does not depend on values."""
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
    """Start a training on the device."""
    shape = sized(NetworkShape(ACT_DIM, PRED_HORIZON, OBS_HORIZON * OBS_DIM), backbone, size)
    sizes = (shape.width, shape.depth)
    policy = ChunkPolicyConfig(
        OBS_DIM, ACT_DIM, OBS_HORIZON, PRED_HORIZON, objective, "sample", backbone, *sizes
    )
    return start_training(policy, config, windows, seed, DEVICE)


def _same_weights(windows: Windows) -> Row:
    """Train with graph and eager updates; return the largest difference of the weights."""
    config, weights = TrainConfig(updates=1000), []
    for replayed in (True, False):
        state = start(windows, "unet", "small", config)
        update = GraphUpdate(state, config, windows)
        for _ in range(100):
            if not replayed:
                update.replayed.done = 0  # never captures
            update()
        update.wait()
        weights.append([p.detach().clone() for p in state.ema.policy.parameters()])
    difference = max(float((a - b).abs().max()) for a, b in zip(*weights, strict=True))
    return Row("largest difference of weights after 100 updates, graph and eager",
               Spread(difference, difference, difference), 8, limit=1e-4)  # fmt: skip


def _no_waiting(windows: Windows) -> Row:
    """Make updates while torch raises at every operation that waits for the device."""
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


def rate(updates: list[Callable[[], object]], wait: Callable[[], None]) -> float:
    """Return the total updates per second."""
    for _ in range(8):
        for update in updates:
            update()
    wait()
    started = time.perf_counter()
    for _ in range(UPDATES):
        for update in updates:
            update()
    wait()
    return UPDATES * len(updates) / (time.perf_counter() - started)


def _throughput(windows: Windows, backbone: str, size: str) -> list[Row]:
    config = TrainConfig(updates=100_000)
    kinds = {
        "graph": GraphUpdate(start(windows, backbone, size, config), config, windows),
        "eager": EagerUpdate(start(windows, backbone, size, config), config, windows),
    }
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind, update in kinds.items():
            rates[kind].append(rate([update], torch.cuda.synchronize))
    graph, eager = (config.batch_size * np.array(rates[kind]) for kind in kinds)
    parameters = sum(p.numel() for p in kinds["graph"].state.policy.parameters())
    name = f"{backbone} {size} ({parameters:,} parameters), batch {config.batch_size}"
    least = SAMPLES_LIMIT if (backbone, size) == TARGET else None
    return [
        Row(f"{name}, graph", spread(graph), 0, "samples/s", least=least),
        Row(f"{name}, graph over eager", ratio(graph, eager)),
    ]


def _sharing(windows: Windows, backbone: str, size: str) -> list[Row]:
    """Compare training several seeds together with one after another."""
    config = TrainConfig(updates=100_000)
    updates = [
        GraphUpdate(start(windows, backbone, size, config, seed), config, windows)
        for seed in range(SHARING)
    ]
    rows = []
    for count in (2, 3, 4, SHARING):
        together, alone = [], []
        for _ in range(ROUNDS):
            together.append(rate(list(updates[:count]), torch.cuda.synchronize))
            alone.append(rate([updates[0]], torch.cuda.synchronize))
        name = f"{backbone} {size}, {count} seeds together over one after another"
        least = SHARING_LIMIT if (backbone, count) == ("mlp", SHARING) else None
        rows.append(Row(name, ratio(np.array(together), np.array(alone)), least=least))
    return rows


def _decisions(backbone: str, size: str) -> list[Row]:
    """Time chunks, from observations and noise to actions, at batch 1 and 128."""
    windows = random_windows()
    state = start(windows, backbone, size, TrainConfig())
    policy = copy.deepcopy(state.ema.policy).eval()
    times_ms, rows = {}, []
    is_bound = (backbone, size) == TARGET
    for batch in (1, 128):
        sampling = make_sampling(policy, "euler", 10, batch)
        observations = windows.observations[windows.observation_index[:batch]]
        noise = torch.randn(batch, PRED_HORIZON, ACT_DIM, device=DEVICE)
        seconds = []
        for _ in range(300):
            started = time.perf_counter()
            sampling(observations, lambda noise=noise: noise).actions.cpu()
            seconds.append(time.perf_counter() - started)
        times_ms[batch] = 1e3 * np.array(seconds[50:])
        p50, p1, p99 = np.percentile(times_ms[batch], (50, 1, 99)).tolist()
        limit = LATENCY_LIMIT_MS if is_bound and batch == 1 else None
        name = f"{backbone} {size}, flow, 10 Euler steps, batch {batch}"
        rows.append(Row(name, Spread(p50, p1, p99), 2, "ms", limit=limit))
    many, one = (np.median(times_ms[batch], keepdims=True) for batch in (128, 1))
    limit = BATCH_LIMIT if is_bound else None
    rows.append(Row(f"{backbone} {size}, batch 128 over batch 1", ratio(many, one), limit=limit))
    return rows


def main() -> int:
    """Print the measurements as they are made; the exit code is 1 if a limit is not met."""
    return run_alone("gpu", "Captured graphs, LiftCube's dims, TF32", measure, _machine)


def _machine(load: float) -> str:
    described = describe_machine(load, PACKAGES, busy=1)
    return f"{torch.cuda.get_device_name()}; {described} fmbench {fmbench.__version__}."


if __name__ == "__main__":
    raise SystemExit(main())
