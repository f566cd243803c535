"""What figures show of a run, however they are drawn: its summary, policies, names of tasks."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.results import Results
from fmbench.storage.rows import REFERENCES


def shown_summary(results: Results) -> pd.DataFrame:
    """Return the summary with a column `broken`; a broken cell has an interval without width."""
    summary = results.summary.copy()
    cells = zip(*(summary[name] for name in CELL), strict=True)
    summary["broken"] = [SummaryKey(*cell) in results.broken for cell in cells]
    for side in ("low", "high"):
        summary[side] = summary[side].where(~summary["broken"], summary["success_rate"])
    return summary


class ShownRow(NamedTuple):
    """What figures show of a row of the summary; see `SummaryRow`."""

    task: str
    policy: str
    sampler: str
    steps: int
    headline: bool
    episodes: int
    train_seeds: int
    success_rate: float
    low: float
    high: float
    interval: str
    seeds_disagree: bool
    nfe: float
    latency_ms_p50: float
    latency_ms_p95: float
    broken: bool


def shown_rows(results: Results) -> list[ShownRow]:
    """Return the rows of `shown_summary`; of many runs much faster than rows of frames."""
    table = shown_summary(results)
    columns = [table[name].tolist() for name in ShownRow._fields]
    return [ShownRow(*values) for values in zip(*columns, strict=True)]


def learned_policies(results: Results) -> list[str]:
    """Return the trained policies of a run in order."""
    names = {*results.summary["policy"], *results.training["policy"]} - set(REFERENCES)
    return sorted(names, key=results.looks.order)


def short_name(task: str) -> str:
    """Drop the namespace of a task id."""
    return task.removeprefix("fmbench/")
