"""Rows of `retention.csv`: what each policy keeps under a disturbance, over several tasks.

Retention is the success rate with the disturbance divided by that without, each the mean over the
tasks. A policy's tasks are those that have the axis and on which the expert copes, the same for all
policies; where it copes with none, all that have the axis, and the disturbance ranks nobody.

The interval is that of a ratio estimator over strata (Cochran 1977, Sampling Techniques, 6.10 to
6.12), with tasks as strata and training seeds as the sample of each, and the degrees of freedom of
Satterthwaite (1946).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fmbench.report.disturbances.rows import EXPERT, LEAST_PLAIN, AllArms, Arms, breaking
from fmbench.report.outcomes import SummaryKey
from fmbench.report.strata import SMOOTHING, half_width, variance_of_mean
from fmbench.storage.rows import REFERENCES, Row


class SampledPolicy(NamedTuple):
    """A policy with its sampler, on whatever task."""

    policy: str
    sampler: str
    steps: int


@dataclasses.dataclass(frozen=True)
class RetentionRow(Row):
    """One policy with one disturbance, over several tasks."""

    file_name: ClassVar[str] = "retention.csv"
    key: ClassVar[tuple[str, ...]] = ("policy", "sampler", "steps", "perturb")

    policy: str
    sampler: str
    steps: int
    perturb: str
    """Axis and level, e.g. `mass=2`."""
    tasks: int
    """Tasks that are averaged."""
    broken_tasks: int
    """Tasks that have the axis and are left out, because the expert does not cope there; all of
    `tasks` if none is left."""
    train_seeds: int
    """Training seeds of each task, or 0 of the expert."""
    plain_rate: float
    """Success rate without disturbance, the mean over tasks and training seeds."""
    disturbed_rate: float
    retention: float | None
    """The latter divided by the former; None where that is below one half, or a cell is broken."""
    low: float | None
    """Lower bound of its 95 % interval; None like `retention`."""
    high: float | None
    ranks: bool
    """Whether the expert copes on some task, or does not meet the disturbance."""


Cells = Mapping[str, tuple[Arms, ...]]


def retention_rows(
    arms: AllArms, broken: frozenset[tuple[SummaryKey, str]] = frozenset()
) -> list[RetentionRow]:
    """Return the rows of some tasks, by disturbance and policy in the order of the arms.

    Args:
        arms: Both arms of every disturbed cell of all tasks.
        broken: Cells with their disturbance whose rate says nothing about the policy.
    """
    breaks = breaking(arms)
    settings = list(dict.fromkeys(text for _, text in arms))
    methods = list(dict.fromkeys(_method(cell) for cell, _ in arms))
    rows = []
    for text in settings:
        of_method: dict[SampledPolicy, dict[str, Arms]] = {}
        for (cell, other), both in arms.items():
            if other == text:
                of_method.setdefault(_method(cell), {})[cell.task] = both
        learned = [tasks for m, tasks in of_method.items() if m.policy not in REFERENCES]
        common = [t for t in next(iter(learned), {}) if all(t in tasks for tasks in learned)]
        coped = [task for task in common if (task, text) not in breaks]
        for method in methods:
            tasks = [task for task in coped or common if task in of_method.get(method, {})]
            if tasks:
                is_broken = any(_method(cell) == method and text == t for cell, t in broken)
                parts = [of_method[method][task] for task in tasks]
                left_out = len(common) - len(coped)
                rows.append(_row(method, text, parts, left_out, bool(coped), is_broken))
    return rows


def retention_interval(parts: Sequence[Arms]) -> tuple[float, float]:
    """Return the 95 % interval of retention over tasks, given both arms on each of them.

    Args:
        parts: The arms of each task, with rates p without and d with disturbance, where the mean p
            is above 0.
    """
    plain, disturbed = _rates(parts)
    retention = disturbed / plain
    variances = [_variance(arms, retention) for arms in parts]
    degrees = [(len(a.plain) if len(a.plain) > 1 else len(a.plain[0])) - 1 for a in parts]
    # R = sum of d / sum of p, so that its error is that of the sum of d - R p, divided by sum of p
    half = half_width(variances, degrees) / (len(parts) * plain)
    return max(0.0, retention - half), retention + half


def _variance(arms: Arms, retention: float) -> float:
    """Return the variance of d - R p of one task, the mean over its training seeds."""
    pairs = zip(arms.plain, arms.disturbed, strict=True)
    of_episodes = np.mean([_of_episodes(*pair, retention) for pair in pairs])
    plain, disturbed = arms.rates
    return variance_of_mean(disturbed - retention * plain, float(of_episodes))


def _of_episodes(plain: NDArray[np.bool_], disturbed: NDArray[np.bool_], retention: float) -> float:
    """Return the variance of d - R p of one training seed that follows from its episodes."""
    pairs = ((plain, disturbed), (plain, ~disturbed), (~plain, disturbed), (~plain, ~disturbed))
    counts = np.array([np.sum(a & b) for a, b in pairs]) + SMOOTHING
    values = np.array([1 - retention, -retention, 1.0, 0.0])
    shares = counts / counts.sum()
    variance = shares @ values**2 - (shares @ values) ** 2
    return float(variance / counts.sum())


def _rates(parts: Sequence[Arms]) -> tuple[float, float]:
    """Return the success rates without and with disturbance, the means over tasks."""
    means = [[float(rates.mean()) for rates in arms.rates] for arms in parts]
    plain, disturbed = np.mean(means, axis=0)
    return float(plain), float(disturbed)


def _row(
    method: SampledPolicy,
    text: str,
    parts: Sequence[Arms],
    left_out: int,
    ranks: bool,
    is_broken: bool,
) -> RetentionRow:
    plain, disturbed = _rates(parts)
    has_share = plain >= LEAST_PLAIN and not is_broken
    low, high = retention_interval(parts) if has_share else (None, None)
    return RetentionRow(
        *method,
        perturb=text,
        tasks=len(parts),
        broken_tasks=left_out,
        train_seeds=0 if method.policy == EXPERT else min(len(arms.plain) for arms in parts),
        plain_rate=plain,
        disturbed_rate=disturbed,
        retention=disturbed / plain if has_share else None,
        low=low,
        high=high,
        ranks=ranks,
    )


def _method(cell: SummaryKey) -> SampledPolicy:
    return SampledPolicy(cell.policy, cell.sampler, cell.steps)
