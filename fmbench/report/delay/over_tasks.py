"""Rows of `delays_over_tasks.csv`: success at every delay and execution, the mean over tasks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from fmbench.report.delay.rows import DelayRow
from fmbench.report.strata import half_width, share_variance, variance_of_mean
from fmbench.storage.rows import Row


@dataclasses.dataclass(frozen=True)
class DelayOverTasksRow(Row):
    """One policy with one sampler, execution and delay, over several tasks."""

    file_name: ClassVar[str] = "delays_over_tasks.csv"
    key: ClassVar[tuple[str, ...]] = ("policy", "sampler", "steps", "execution", "delay")

    policy: str
    sampler: str
    steps: int
    execution: str
    delay: int
    headline: bool
    tasks: int
    """Tasks, all of the runs."""
    train_seeds: int
    """Training seeds of each task."""
    success_rate: float
    """The mean over tasks of the means over training seeds."""
    low: float | None
    """Lower bound of its 95 % interval, with the tasks as strata; None if a cell is broken."""
    high: float | None


def over_tasks(rows: Sequence[DelayRow]) -> list[DelayOverTasksRow]:
    """Return the means over all tasks, in the order of the rows; of one task, its own numbers.

    What was not evaluated on every task has no row, because its mean would be one of other tasks.

    Args:
        rows: The rows of all tasks.
    """
    tasks = {row.task for row in rows}
    groups: dict[tuple[object, ...], list[DelayRow]] = {}
    for row in rows:
        groups.setdefault((*row.method, row.delay), []).append(row)
    return [_row(group) for group in groups.values() if len(group) == len(tasks)]


def _row(group: Sequence[DelayRow]) -> DelayOverTasksRow:
    mean = float(np.mean([row.success_rate for row in group]))
    is_broken = any(row.low is None for row in group)
    variances, degrees = zip(*map(_variance, group), strict=True)
    half = half_width(variances, degrees) / len(group)
    low, high = max(0.0, mean - half), min(1.0, mean + half)
    if len(group) == 1:
        low, high = group[0].low or 0.0, group[0].high or 0.0
    names = ("policy", "sampler", "steps", "execution", "delay")
    return DelayOverTasksRow(
        **{name: getattr(group[0], name) for name in names},
        headline=all(row.headline for row in group),
        tasks=len(group),
        train_seeds=min(row.train_seeds for row in group),
        success_rate=mean,
        low=None if is_broken else low,
        high=None if is_broken else high,
    )


def _variance(row: DelayRow) -> tuple[float, int]:
    """Return the variance of the success rate of one task, and its degrees of freedom."""
    rates = [float(rate) for rate in row.seed_rates.split()]
    episodes = row.episodes // row.train_seeds
    of_episodes = float(np.mean([share_variance(rate * episodes, episodes) for rate in rates]))
    return variance_of_mean(rates, of_episodes), (len(rates) if len(rates) > 1 else episodes) - 1
