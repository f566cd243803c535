"""Cost of a trained policy with one sampler: a row of `measurements.csv`."""

from pathlib import Path

import numpy as np

from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from fmbench.evaluation.episodes import make_actor
from fmbench.storage.rows import MeasurementRow
from fmbench.training.checkpoint_facts import checkpoint_facts, read_progress
from policies.chunk_policy import ChunkPolicy
from policies.latency import measure_latency

SLOW_STEPS, SLOW_CALLS, FAST_CALLS = 50, 30, 100  # latency: fewer calls of slow samplers


def measure(
    cell: Cell,
    config: RunConfig,
    policy: ChunkPolicy,
    checkpoint: Path,
    times_decisions: bool = True,
) -> MeasurementRow:
    """Time decisions of a trained policy, and report the cost of its training.

    Args:
        cell: The sampler and its steps.
        config: The run.
        policy: The policy of `checkpoint`.
        checkpoint: Its checkpoint.
        times_decisions: Whether to time decisions; if not, the row has no latency.
    """
    facts = checkpoint_facts(checkpoint)
    p50, p95 = latency_ms(cell, config, policy) if times_decisions else (None, None)
    return MeasurementRow(
        **cell.cell,
        headline=cell.headline,
        parameters=sum(parameter.numel() for parameter in policy.parameters()),
        updates=facts.update,
        training_time_s=read_progress(checkpoint, facts).seconds,
        latency_ms_p50=p50,
        latency_ms_p95=p95,
    )


def latency_ms(cell: Cell, config: RunConfig, policy: ChunkPolicy) -> tuple[float, float]:
    """Return the median and the 95th percentile of one decision's time at batch 1 [ms]."""
    calls = SLOW_CALLS if cell.steps >= SLOW_STEPS else FAST_CALLS
    actor = make_actor(policy, cell, config)
    times = 1e3 * measure_latency(actor, policy.config.obs_dim, calls, warm_up=max(5, calls // 5))
    return float(np.percentile(times, 50)), float(np.percentile(times, 95))
