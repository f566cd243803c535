"""Rows of `times.csv`: how fast the policies of a run succeed, on the same starts as the expert.

With failures at infinity, F(u) is the share of episodes that have succeeded by the time u. The
restricted mean time to success is the integral of 1 - F up to the task's time limit: the mean time
where a failure counts as the limit. It separates policies where success is saturated.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.results import Results
from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import REFERENCES, Row

EXPERT = REFERENCES[0]
RESAMPLES, SEED = 2_000, 0
Numbers = NDArray[np.float64]
Curve = tuple[Numbers, Numbers]
"""Times [s], and the share that has succeeded by each."""


@dataclasses.dataclass(frozen=True)
class TimesRow(Row):
    """The times of one headline on one task."""

    file_name: ClassVar[str] = "times.csv"
    key: ClassVar[tuple[str, ...]] = tuple(CELL)

    task: str
    policy: str
    sampler: str
    steps: int
    train_seeds: int
    episodes: int
    """Episodes of each training seed that the expert has, too."""
    limit_s: float
    """The task's longest episode [s]."""
    mean_time_s: float
    """Restricted mean time to success; a failure counts as the limit."""
    median_time_s: float | None
    """Time by which half of the episodes have succeeded; None if they never have."""
    throughput: float
    """The expert's restricted mean time, divided by this one."""
    low: float
    """Lower bound of its 95 % interval, a paired bootstrap over starts and training seeds."""
    high: float


def times_rows(results: Results) -> list[TimesRow]:
    """Return a row for every headline whose task the expert has solved on the same starts."""
    rows = []
    for limit, times in headline_times(results).values():
        experts = [table for cell, table in times.items() if cell.policy == EXPERT]
        for expert in experts:
            rows += [_row(cell, table, expert, limit) for cell, table in times.items()]
    return [row for row in rows if row is not None]


def headline_times(results: Results) -> dict[str, tuple[float, dict[SummaryKey, pd.DataFrame]]]:
    """Return the times of the headlines of every task on which something succeeds.

    Returns:
        Task to its limit [s] and the times [s] of its headlines, of failures infinity: a row per
        training seed, a column per start.
    """
    headlines = results.summary[results.summary["headline"].astype(bool)]
    found = {}
    for task in dict.fromkeys(headlines["task"]):
        of_task = results.episodes[results.episodes["task"] == task]
        limit = limit_of(of_task)
        cells = headlines.loc[headlines["task"] == task, CELL].itertuples(index=False)
        keys = [SummaryKey(*cell) for cell in cells]
        if limit is not None:
            found[str(task)] = limit, {key: _times(of_task, key, limit) for key in keys}
    return found


def curve(times: Numbers, limit: float) -> Curve:
    """Return the curve of times, (seeds, n) [s]; a failure is infinity, a missing episode NaN."""
    values, count = np.sort(times[np.isfinite(times)]), int((~np.isnan(times)).sum())
    shares = np.arange(len(values) + 1) / max(count, 1)
    return np.array([0.0, *values, limit]), np.array([*shares, shares[-1]])


def draw_times(results: Results, out: Path) -> list[Path]:
    """Write `times.csv` of a finished run; return its path, if there is something in it."""
    rows = [] if results.unfinished else times_rows(results)
    path = out / TimesRow.file_name
    if not rows:
        path.unlink(missing_ok=True)
        return []
    write_rows(path, rows, TimesRow)
    return [path]


def limit_of(episodes: pd.DataFrame) -> float | None:
    """Return the longest time of a task's episodes [s]; None if no episode has succeeded.

    An episode ends with its success, so its time over its length is the control period.
    """
    solved = episodes[episodes["time_to_success_s"].notna()]
    if solved.empty:
        return None
    first = solved.iloc[0]
    period = float(first["time_to_success_s"]) / int(first["length"])
    return float(period * int(episodes["length"].max()))


def _times(episodes: pd.DataFrame, cell: SummaryKey, limit: float) -> pd.DataFrame:
    """Return the times of a cell, a row per training seed, a column per start; see above."""
    of_cell = episodes[(episodes[["policy", "sampler", "steps"]] == list(cell[1:])).all(axis=1)]
    times = of_cell["time_to_success_s"].astype(float).clip(upper=limit).fillna(np.inf)
    return of_cell.assign(time=times).pivot(
        index="train_seed", columns="episode_seed", values="time"
    )


def _row(
    cell: SummaryKey, times: pd.DataFrame, expert: pd.DataFrame, limit: float
) -> TimesRow | None:
    common = times.dropna(axis=1).columns.intersection(expert.columns)
    if common.empty:
        return None
    own, others = (np.minimum(table[common].to_numpy(float), limit) for table in (times, expert))
    middle = float(np.quantile(times[common].to_numpy(float), 0.5, method="inverted_cdf"))
    low, high = _bootstrap(own, others[0])
    return TimesRow(
        *cell,
        train_seeds=0 if cell.policy in REFERENCES else len(own),
        episodes=len(common),
        limit_s=limit,
        mean_time_s=float(own.mean()),
        median_time_s=middle if np.isfinite(middle) else None,
        throughput=float(others.mean() / own.mean()),
        low=low,
        high=high,
    )


def _bootstrap(own: Numbers, expert: Numbers) -> tuple[float, float]:
    """Return the percentile interval of the ratio of means, expert over own.

    A resample draws starts, each with both times, and training seeds.

    Args:
        own: (seeds, n) times.
        expert: (n,) times on the same starts.
    """
    seeds, n = own.shape
    rng = np.random.default_rng(SEED)
    starts = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n
    drawn = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    means = ((drawn @ own) * starts).sum(axis=1)
    low, high = np.percentile(starts @ expert / means, [2.5, 97.5])
    return float(low), float(high)
