"""Latencies of a run's decisions with every execution, and the delays that they mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from fmbench.config.latency import delay_of
from fmbench.report.outcomes import CELL
from fmbench.report.results import Results
from fmbench.report.settings_split import PLAIN


class Latency(NamedTuple):
    """The latency of a decision [ms], median and 95th percentile; None if it was not timed."""

    p50: float | None
    p95: float | None


NOT_TIMED = Latency(None, None)


def latencies_of(results: Results) -> dict[tuple[object, ...], Latency]:
    """Return what was measured of the first training seed, by cell of the summary and execution.

    A measured delay follows from the first seed, too; executions are measured without delay.
    """
    found: dict[tuple[object, ...], Latency] = {}
    for setting, rows in {PLAIN: results.measurements, **results.costs}.items():
        if setting.delay or setting.perturb:
            continue
        first = rows[rows["train_seed"] == 0]
        names = (*CELL, "latency_ms_p50", "latency_ms_p95")
        for *cell, p50, p95 in zip(*(first[name] for name in names), strict=True):
            found[(*cell, setting.execution)] = Latency(_possible(p50), _possible(p95))
    return found


def decision_delay_of(results: Results) -> Callable[[str, float | None], int]:
    """Return a function of task and latency [ms] that returns the delay it means [control steps].

    The latency that the run was given takes the place of a measured one, as in the run. Without a
    latency or a control period it returns 0.
    """
    given = results.run.config.get("latency_ms")
    periods = results.run.control_periods or {}

    def delay(task: str, measured: float | None) -> int:
        latency_ms = measured if given is None else float(given)
        if latency_ms is None or task not in periods:
            return 0
        return delay_of(latency_ms, periods[task])

    return delay


def _possible(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
