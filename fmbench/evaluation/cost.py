"""Cost of a trained policy with one sampler: a row of `measurements.csv`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.players import make_actor
from fmbench.sight.opening import Sight
from fmbench.storage.rows import MeasurementRow
from fmbench.training.checkpoint_facts import checkpoint_facts, read_progress
from policies.catalogue import POLICIES
from policies.chunk_policy import ChunkPolicy
from policies.latency import measure_latency
from policies.training_rows import rows_per_window

SLOW_STEPS, SLOW_CALLS, FAST_CALLS = 50, 30, 100  # latency: fewer calls of slow samplers


def measure(
    cell: Cell,
    config: RunConfig,
    policy: ChunkPolicy,
    checkpoint: Path,
    times_decisions: bool = True,
    sight: Sight | None = None,
) -> MeasurementRow:
    """Time decisions of a trained policy, and report the cost of its training.

    Args:
        cell: The sampler and its steps.
        config: The run.
        policy: The policy of `checkpoint`.
        checkpoint: Its checkpoint.
        times_decisions: Whether to time decisions; if not, the row has no latency.
        sight: What the policy sees with; None if it observes the state.
    """
    facts = checkpoint_facts(checkpoint)
    p50, p95 = latency_ms(cell, config, policy, sight) if times_decisions else (None, None)
    return MeasurementRow(
        **cell.cell,
        headline=cell.headline,
        parameters=sum(parameter.numel() for parameter in policy.parameters()),
        updates=facts.update,
        training_time_s=read_progress(checkpoint, facts).seconds,
        latency_ms_p50=p50,
        latency_ms_p95=p95,
        rows_per_update=_rows(policy, facts.train_config.batch_size),
        teacher_updates=facts.teacher_updates,
        stacked=facts.is_stacked,
    )


def _rows(policy: ChunkPolicy, batch_size: int) -> float | None:
    """Return the rows of an update; None if a user's loss cannot be evaluated on stand-ins."""
    try:
        return rows_per_window(policy.config, batch_size)
    except Exception:
        if POLICIES[policy.config.objective].files:
            return None
        raise


def latency_ms(
    cell: Cell, config: RunConfig, policy: ChunkPolicy, sight: Sight | None = None
) -> tuple[float, float]:
    """Return the median and the 95th percentile of one decision's time at batch 1 [ms].

    A policy that sees decides from pictures that are already there: extracting their features
    counts, drawing them does not.
    """
    is_slow = cell.steps >= SLOW_STEPS or sight is not None
    calls = SLOW_CALLS if is_slow else FAST_CALLS
    actor = make_actor(policy, cell, config)
    times = 1e3 * measure_latency(
        actor,
        policy.config.agent_dim,
        calls,
        warm_up=max(5, calls // 5),
        look=None if sight is None else _glance(config, sight),
    )
    return float(np.percentile(times, 50)), float(np.percentile(times, 95))


def _glance(config: RunConfig, sight: Sight) -> Callable[[], Tensor]:
    """Return a function that returns what is seen in the pictures of one window."""
    generator = torch.Generator().manual_seed(0)
    size = (config.obs_horizon, *sight.encoder.shape.dims)
    pictures = torch.randint(0, 256, size, generator=generator, dtype=torch.uint8)
    extractor = sight.extractor
    if extractor is None:
        pixels = pictures.flatten(1).float()[None]
        return lambda: pixels
    return lambda: extractor.compute(pictures.to(sight.device)).float().cpu()[None]  # unpadded
