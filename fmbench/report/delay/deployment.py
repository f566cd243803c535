"""Rows of `deployment.csv`: each policy at the delay of its own latency, and without delay."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import ClassVar

from fmbench.report.delay.rows import DelayRow, delay_rows
from fmbench.report.outcomes import CELL
from fmbench.report.results import Results
from fmbench.storage.rows import HOLD, Row


@dataclasses.dataclass(frozen=True)
class DeploymentRow(Row):
    """One cell of the summary whose decisions take as long as they were measured to take."""

    file_name: ClassVar[str] = "deployment.csv"
    key: ClassVar[tuple[str, ...]] = tuple(CELL)

    task: str
    policy: str
    sampler: str
    steps: int
    headline: bool
    train_seeds: int
    episodes: int
    nfe: float
    """Network evaluations per decision."""
    latency_ms: float
    """95th percentile of the latency of a decision, measured, or as it was given."""
    control_period_ms: float
    delay: int
    """Control steps that this latency takes, rounded up."""
    success_rate: float
    """Success rate at this delay; the next action comes from the previous chunk meanwhile."""
    low: float | None
    """Lower bound of its 95 % interval; None of a broken cell."""
    high: float | None
    plain_rate: float
    """Success rate of the same checkpoints on the same episodes without delay."""
    plain_low: float | None
    plain_high: float | None
    difference: float | None
    """The former minus the latter; None of broken cells, like its interval."""
    difference_low: float | None
    difference_high: float | None


def deployment_rows(results: Sequence[Results]) -> list[DeploymentRow]:
    """Return the rows of some runs, tasks in their order, policies in that of each run's table."""
    return [row for run in results for row in _rows(run)]


def _rows(run: Results) -> Iterator[DeploymentRow]:
    rows = [row for row in delay_rows(run) if row.execution == HOLD]
    plain = {_cell(row): row for row in rows if row.is_plain}
    periods, given = run.run.control_periods or {}, run.run.config.get("latency_ms")
    for row in rows:
        latency_ms = row.latency_ms_p95 if given is None else float(given)
        if row.is_at_latency and latency_ms is not None and _cell(row) in plain:
            yield _row(row, plain[_cell(row)], latency_ms, 1000 * periods[row.task])


def _cell(row: DelayRow) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in CELL)


def _row(row: DelayRow, plain: DelayRow, latency_ms: float, period_ms: float) -> DeploymentRow:
    same = (
        *CELL, "headline", "train_seeds", "episodes", "nfe", "delay", "success_rate", "low", "high",
        "difference", "difference_low", "difference_high",
    )  # fmt: skip
    return DeploymentRow(
        **{name: getattr(row, name) for name in same},
        latency_ms=latency_ms,
        control_period_ms=period_ms,
        plain_rate=plain.success_rate,
        plain_low=plain.low,
        plain_high=plain.high,
    )
