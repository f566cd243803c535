"""Time chunks: our flow with 10 Euler steps, LeRobot's diffusion with DDPM-100 and DDIM-10."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from policies import ChunkPolicy
from policies.graph_sampler import make_sampling
from tests.benchmarks.interleaved import (
    Duration,
    Timed,
    Times,
    as_times,
    in_turn,
    now,
    ratio,
    spread,
)
from tests.benchmarks.peers import lerobot_policy
from tests.benchmarks.peers.problem import OBS_DIM, OBS_HORIZON, Network, describe
from tests.benchmarks.report import Row

ROUNDS = 7
NFE, CALLS, PEER_CALLS = 10, 40, {"DDPM-100": 2, "DDIM-10": 10}
LEAST = {"DDPM-100": 20.0, "DDIM-10": 2.0}
"""Smallest accepted ratio of each to flow-10 on a CPU."""
PUBLISHED_ROUNDS, PUBLISHED_THREADS = 3, 2
LIMIT_MS, MANY_ROWS, MANY_LIMIT = 2.0, 128, 1.5
"""Limits on a GPU: the time of flow-10 for one row, and the ratio of many rows to one."""


def measure(policy: ChunkPolicy, down_dims: tuple[int, ...], device: str) -> list[Row]:
    """Return the times of chunks, and the ratios of LeRobot's to ours."""
    on_gpu = device == "cuda"
    alternatives: dict[str, Timed] = {"flow-10": median_of(chunk_sampler(policy, 1), CALLS)}
    for name, calls in PEER_CALLS.items():
        scheduler, _, steps = name.partition("-")
        peer = lerobot_policy.make_policy(down_dims, device, scheduler, int(steps))
        alternatives[name] = median_of(lerobot_policy.chunk_sampler(peer, 1), calls)
    if on_gpu:
        alternatives["many rows"] = median_of(chunk_sampler(policy, MANY_ROWS), CALLS)
    times = in_turn(alternatives, ROUNDS)
    ours, limit = times["flow-10"], LIMIT_MS if on_gpu else None
    rows = [_milliseconds("fmbench, flow-10, one chunk", ours, limit)]
    rows += [_milliseconds(f"LeRobot, {name}, one chunk", times[name]) for name in PEER_CALLS]
    rows += [
        Row(
            f"LeRobot, {name}, over fmbench, flow-10",
            ratio(times[name].wall, ours.wall),
            1,
            cpu=ratio(times[name].cpu, ours.cpu),
            least=None if on_gpu else LEAST[name],
        )
        for name in PEER_CALLS
    ]
    if on_gpu:
        many = times["many rows"]
        rows.append(_milliseconds(f"fmbench, flow-10, {MANY_ROWS} chunks at once", many))
        name = f"fmbench, flow-10, {MANY_ROWS} chunks over one"
        rows.append(Row(name, ratio(many.wall, ours.wall), limit=MANY_LIMIT))
    return rows


def measure_published() -> list[Row]:
    """Return the time of a chunk of LeRobot's own network in its published size, on two threads."""
    before = torch.get_num_threads()
    peer = lerobot_policy.make_policy(lerobot_policy.PUBLISHED, "cpu")
    sample = median_of(lerobot_policy.chunk_sampler(peer, 1), 1)
    torch.set_num_threads(PUBLISHED_THREADS)
    try:
        times = in_turn({"DDPM-100": sample}, PUBLISHED_ROUNDS)["DDPM-100"]
    finally:
        torch.set_num_threads(before)
    return [_milliseconds("LeRobot, DDPM-100, one chunk", times)]


def chunk_sampler(policy: ChunkPolicy, rows: int) -> Callable[[], Tensor]:
    """Return a function that samples one chunk per row, from and to tensors on the host."""
    policy.eval()
    device = next(policy.parameters()).device
    shape = (rows, *policy.objective.chunk_shape)
    generator = torch.Generator(device).manual_seed(0)
    observations = torch.randn(rows, OBS_HORIZON, OBS_DIM)

    def noise() -> Tensor:
        return torch.randn(shape, generator=generator, device=device)

    sampling = make_sampling(policy, "euler", NFE, rows)

    def sample() -> Tensor:
        with torch.inference_mode():
            return sampling(observations.to(device), noise).actions.cpu()

    return sample


def describe_unet(policy: ChunkPolicy) -> Network:
    """Return the parameters and operations of our U-Net."""
    chunk, condition = torch.zeros(1, *policy.objective.chunk_shape), policy.encoder.condition_dim
    return describe(policy.network, chunk, torch.zeros(1), torch.zeros(1, condition))


def median_of(call: Callable[[], object], calls: int) -> Timed:
    """Return a function that returns the median duration of some calls."""

    def run() -> Duration:
        durations = []
        for _ in range(calls):
            started = now()
            call()
            durations.append(now() - started)
        times = as_times(durations)
        return Duration(float(np.median(times.wall)), float(np.median(times.cpu)))

    return run


def _milliseconds(name: str, times: Times, limit: float | None = None) -> Row:
    return Row(name, spread(1e3 * times.wall), 2, "ms", spread(1e3 * times.cpu), limit)
