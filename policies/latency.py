"""Latency of one decision: batch 1, no padding, one thread."""

import time

import numpy as np
import torch
from numpy.typing import NDArray

from policies.actor import ChunkActor
from policies.graph_sampler import make_sampling
from policies.threads import one_thread


def measure_latency(
    actor: ChunkActor, obs_dim: int, calls: int = 100, warm_up: int = 20
) -> NDArray[np.float64]:
    """Time single decisions: observation in, actions out on the CPU, noise drawing included.

    Runs on one torch thread and restores the number of threads afterwards.

    Args:
        actor: Provides the policy, the sampler with its steps, and the device.
        obs_dim: Numbers in one observation.
        calls: Timed decisions.
        warm_up: Untimed decisions before them.

    Returns:
        `(calls,)` wall-clock seconds.

    Raises:
        ValueError: `calls` is less than 1, or `obs_dim` is not the policy's.
    """
    if calls < 1:
        raise ValueError(f"calls is {calls}; it must be at least 1")
    policy, device = actor.policy, actor.device
    generator = torch.Generator().manual_seed(0)
    shape = (1, *policy.objective.chunk_shape)
    observations = torch.randn(1, actor.obs_horizon, obs_dim, generator=generator)
    seconds = np.empty(warm_up + calls)
    was_training = policy.training
    policy.eval()
    try:
        with one_thread(), torch.inference_mode():
            sampling = make_sampling(policy, actor.sampler, actor.steps, rows=1)
            for call in range(warm_up + calls):
                start = time.perf_counter()
                sample = sampling(
                    observations.to(device),
                    lambda: torch.randn(shape, generator=generator).to(device),
                )
                sample.actions.cpu()  # waits for the device
                seconds[call] = time.perf_counter() - start
    finally:
        policy.train(was_training)
    return seconds[warm_up:]
