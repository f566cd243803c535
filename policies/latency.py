"""Latency of one decision: batch 1, no padding, one thread."""

import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from policies.actor import ChunkActor
from policies.threads import one_thread


def measure_latency(
    actor: ChunkActor,
    agent_dim: int,
    calls: int = 100,
    warm_up: int = 20,
    look: Callable[[], Tensor] | None = None,
) -> NDArray[np.float64]:
    """Time single decisions: observation in, actions out on the CPU, noise drawing included.

    Runs on one torch thread and restores the number of threads afterwards.

    Args:
        actor: Provides the policy, the sampler with its steps, the execution, and the device. All
            timed decisions but the first follow another one.
        agent_dim: Numbers in one observation, without what is seen.
        calls: Timed decisions.
        warm_up: Untimed decisions before them.
        look: Returns what is seen beside the numbers, `(1, obs_horizon, seen_dim)`; it is timed,
            too. None if nothing is seen.

    Returns:
        `(calls,)` wall-clock seconds.

    Raises:
        ValueError: `calls` is less than 1, or the observations are not the policy's.
    """
    if calls < 1:
        raise ValueError(f"calls is {calls}; it must be at least 1")
    policy, device = actor.policy, actor.device
    generator = torch.Generator().manual_seed(0)
    shape = (1, *policy.objective.chunk_shape)
    numbers = torch.randn(1, actor.obs_horizon, agent_dim, generator=generator)
    seconds = np.empty(warm_up + calls)
    was_training = policy.training
    policy.eval()
    try:
        with one_thread(), torch.inference_mode():
            join, row = actor.make_join(batch=1), np.zeros(1, dtype=np.int64)
            for call in range(warm_up + calls):
                start = time.perf_counter()
                observations = numbers if look is None else torch.cat((numbers, look()), dim=-1)
                sample = join.sample(
                    row,
                    observations.to(device),
                    lambda: torch.randn(shape, generator=generator).to(device),
                )
                sample.actions.cpu()  # waits for the device
                seconds[call] = time.perf_counter() - start
    finally:
        policy.train(was_training)
    return seconds[warm_up:]
