"""Summary of a run: one row per cell, computed from the rows of its episodes.

A cell is one task x policy x sampler x steps. The headline cell represents its policy where only
one configuration can be shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from fmbench.errors import FmbenchError
from fmbench.report.looks import OF_CATALOGUE, Looks
from fmbench.report.outcomes import (
    CELL,
    Columns,
    Outcomes,
    SummaryKey,
    columns_by_cell,
    outcomes_of,
)
from fmbench.report.over_seeds import interval_over_seeds, is_beyond_range, seeds_of
from fmbench.report.statistics import wilson_interval
from fmbench.storage.row_tables import RowTable
from fmbench.storage.rows import REFERENCES, R, Row, columns

Configuration = tuple[str, int]
"""Sampler and steps."""
OVER_EPISODES, OVER_SEEDS = "Wilson 95 %", "over seeds 95 %"
"""Kinds of interval: of one trained policy, and of a method with several training seeds."""


@dataclasses.dataclass(frozen=True)
class SummaryRow(Row):
    """One cell of the summary."""

    file_name: ClassVar[str] = "summary.csv"
    key: ClassVar[tuple[str, ...]] = tuple(CELL)

    task: str
    policy: str
    sampler: str
    steps: int
    headline: bool
    episodes: int
    train_seeds: int
    successes: int
    success_rate: float
    """With several training seeds the mean of the seed means, as for all rates here."""
    low: float
    high: float
    interval: str
    seed_rates: str
    """Success rate of each training seed, in seed order."""
    seeds_disagree: bool
    """Whether the seeds differ by more than the interval was tested for."""
    success_any: float
    success_end: float
    progress: float
    nfe: float
    nfe_p5: float
    """5th percentile over the episodes of all seeds, each the mean over its decisions."""
    nfe_p95: float
    """95th percentile, likewise."""
    latency_ms_p50: float
    latency_ms_p95: float
    parameters: float
    training_time_s: float
    unstable: int
    errors: int
    modes: str
    """Number of episodes per mode, e.g. `left 52 / right 48`."""
    complete: bool
    """Whether every training seed has all episode seeds of the task."""


def frame(rows: Iterable[R], row_type: type[R]) -> pd.DataFrame:
    """Return rows as a DataFrame that has all columns even without rows."""
    names = list(columns(row_type))
    return pd.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=names)


def table_frame(table: RowTable[Any]) -> pd.DataFrame:
    """Return the rows of a file as a DataFrame."""
    return pd.DataFrame(table.columns)


def shared_values(row: Mapping[Any, Any], row_type: type[Row]) -> dict[str, Any]:
    """Return the values of a row of the summary that are columns of another type of row."""
    return {name: row[name] for name in columns(row_type) if name in row}


def rows_of(cell: SummaryKey, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one cell."""
    return rows[(rows[CELL] == list(cell)).all(axis=1)]


def headline_configurations(
    outcomes: Outcomes, measurements: pd.DataFrame
) -> dict[tuple[str, str], Configuration]:
    """Choose the configuration that represents each (task, policy).

    It is the one flagged in the measurements, else the one with the most steps.

    Raises:
        FmbenchError: Two configurations of one policy are flagged.
    """
    chosen: dict[tuple[str, str], Configuration] = {}
    for task, policy, sampler, steps in sorted(outcomes.solved, key=lambda cell: cell.steps):
        chosen[task, policy] = (sampler, steps)
    flagged = measurements[measurements["headline"].astype(bool)][CELL].drop_duplicates()
    if (twice := flagged.duplicated(["task", "policy"])).any():
        task, policy = flagged.loc[twice, ["task", "policy"]].iloc[0]
        raise FmbenchError(
            f"measurements.csv flags two headline configurations of {policy} on {task}; keep one"
        )
    for task, policy, sampler, steps in flagged.itertuples(index=False):
        if (task, policy, sampler, steps) in outcomes.solved:
            chosen[task, policy] = (sampler, steps)
    return chosen


def summarise(
    episodes: pd.DataFrame | Outcomes,
    measurements: pd.DataFrame,
    looks: Looks = OF_CATALOGUE,
    train_seeds: int | None = None,
) -> pd.DataFrame:
    """Summarise every cell: one row per task x policy x sampler x steps.

    Args:
        episodes: Frame of `EpisodeRow`, or what it was reduced to.
        measurements: Frame of `MeasurementRow`; may be empty.
        looks: Defines the order of the policies.
        train_seeds: Number of training seeds of a complete cell; None for those it has.

    Returns:
        Frame of `SummaryRow`, tasks in order of appearance, policies in the order of `looks`.
    """
    outcomes = outcomes_of(episodes)
    headline = headline_configurations(outcomes, measurements)
    tasks = list(outcomes.tasks)
    seeds, costs = outcomes.seeds_by_cell(), columns_by_cell(measurements)
    rows = [
        _summarise_cell(
            outcomes,
            cell,
            seeds[cell],
            costs.get(cell, {}),
            headline[cell.task, cell.policy] == cell[2:],
            train_seeds or 0,
        )
        for cell in sorted(
            seeds, key=lambda cell: (tasks.index(cell.task), looks.order(cell.policy), *cell[2:])
        )
    ]
    return frame(rows, SummaryRow)


def _summarise_cell(
    outcomes: Outcomes,
    cell: SummaryKey,
    seeds: Columns,
    costs: Columns,
    headline: bool,
    train_seeds: int,
) -> SummaryRow:
    """Summarise one cell, given its rows of `Outcomes.by_seed` and of the measurements.

    It is complete with all episodes of its task, with each of `train_seeds`.
    """
    count = len(seeds["episodes"])
    low, high, disagree = interval_of(seeds)
    p5, p95 = np.percentile(outcomes.nfe[cell], [5, 95])
    modes = outcomes.modes.get(cell, {})
    is_whole = bool((seeds["episode_seeds"] == outcomes.tasks[cell.task]).all())
    return SummaryRow(
        *cell,
        headline=headline,
        episodes=int(seeds["episodes"].sum()),
        train_seeds=count,
        successes=int(seeds["successes"].sum()),
        success_rate=float(seeds["success"].mean()),
        low=low,
        high=high,
        interval=OVER_EPISODES if count == 1 else OVER_SEEDS,
        seed_rates=" ".join(repr(float(rate)) for rate in seeds["success"]),
        seeds_disagree=disagree,
        success_any=float(seeds["success_any"].mean()),
        success_end=float(seeds["success_end"].mean()),
        progress=float(seeds["progress"].mean()),
        nfe=float(seeds["nfe"].mean()),
        nfe_p5=float(p5),
        nfe_p95=float(p95),
        latency_ms_p50=_mean(costs, "latency_ms_p50"),
        latency_ms_p95=_mean(costs, "latency_ms_p95"),
        parameters=float(max(costs["parameters"])) if costs else np.nan,
        training_time_s=_mean(costs, "training_time_s"),
        unstable=int(seeds["unstable"].sum()),
        errors=int(seeds["errors"].sum()),
        modes=" / ".join(f"{mode} {episodes}" for mode, episodes in modes.items()),
        complete=is_whole and (cell.policy in REFERENCES or count >= train_seeds),
    )


def _mean(costs: Columns, name: str) -> float:
    """Return the mean of what was measured; NaN if nothing was."""
    values = costs[name].astype(float) if costs else np.empty(0)
    measured = values[~np.isnan(values)]
    return float(measured.mean()) if len(measured) else np.nan


def interval_of(seeds: Columns) -> tuple[float, float, bool]:
    """Return the interval of a cell's success rate, and whether its seeds disagree.

    Args:
        seeds: Its rows of `Outcomes.by_seed`.
    """
    episodes, rates = seeds["episodes"], seeds["success"]
    if len(rates) == 1:
        low, high = wilson_interval(int(seeds["successes"][0]), int(episodes[0]))
        return low, high, False
    # Seeds may have lost episodes: rates of all, as if each had as few as the fewest.
    fewest = int(episodes.min())
    counted = seeds_of(rates * fewest, fewest)
    bounds = interval_over_seeds(counted)
    return float(bounds.low), float(bounds.high), bool(is_beyond_range(counted))
