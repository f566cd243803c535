"""Measure what a trained policy costs with one sampler: its row of `measurements.csv`."""

from pathlib import Path

from fmbench.artefacts import MANIFEST
from fmbench.checkpoints import STATE_FILE
from fmbench.config import RunConfig
from fmbench.evaluation import Cell, latency_ms
from fmbench.records import MeasurementRow, read_json
from policies.chunk_policy import ChunkPolicy


def measure(
    cell: Cell,
    config: RunConfig,
    policy: ChunkPolicy,
    checkpoint: Path,
    times_decisions: bool = True,
) -> MeasurementRow:
    """Time decisions of a trained policy, and say what its training cost.

    Args:
        cell: The sampler and its steps.
        config: The run.
        policy: The policy of `checkpoint`.
        checkpoint: A verified checkpoint.
        times_decisions: Whether to time decisions; else the row has no latency.
    """
    p50, p95 = latency_ms(cell, config, policy) if times_decisions else (None, None)
    return MeasurementRow(
        task=cell.task,
        policy=cell.policy,
        sampler=cell.sampler,
        steps=cell.steps,
        train_seed=cell.train_seed,
        headline=cell.headline,
        parameters=sum(parameter.numel() for parameter in policy.parameters()),
        updates=int(read_json(checkpoint / MANIFEST)["update"]),
        training_time_s=float(read_json(checkpoint / STATE_FILE)["seconds"]),
        latency_ms_p50=p50,
        latency_ms_p95=p95,
    )
