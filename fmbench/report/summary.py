"""Summary of a run: one row per cell, computed from the rows of its episodes.

A cell is one task x policy x sampler x steps. The headline cell represents its policy where only
one configuration can be shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

import pandas as pd

from fmbench.errors import FmbenchError
from fmbench.report.looks import OF_CATALOGUE, Looks
from fmbench.report.over_seeds import interval_over_seeds, is_beyond_range, seeds_of
from fmbench.report.statistics import wilson_interval
from fmbench.storage.row_tables import RowTable
from fmbench.storage.rows import REFERENCES, CellRow, R, Row, columns

CELL = list(CellRow.key[:-1])
"""Key of a summary row, which covers all training seeds."""

Configuration = tuple[str, int]
"""Sampler and steps."""
OVER_EPISODES, OVER_SEEDS = "Wilson 95 %", "over seeds 95 %"
"""Kinds of interval: of one trained policy, and of a method with several training seeds."""


class SummaryKey(NamedTuple):
    """Key of one row of the summary."""

    task: str
    policy: str
    sampler: str
    steps: int


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


def groups_of(rows: pd.DataFrame) -> dict[SummaryKey, pd.DataFrame]:
    """Return the rows of every cell; of many cells much faster than `rows_of` for each."""
    groups: Iterable[tuple[Any, pd.DataFrame]] = rows.groupby(CELL, sort=False)
    return {SummaryKey(*key): group for key, group in groups}


def headline_configurations(
    episodes: pd.DataFrame, measurements: pd.DataFrame
) -> dict[tuple[str, str], Configuration]:
    """Choose the configuration that represents each (task, policy).

    It is the one flagged in the measurements, else the one with the most steps.

    Raises:
        FmbenchError: Two configurations of one policy are flagged.
    """
    chosen: dict[tuple[str, str], Configuration] = {}
    for task, policy, sampler, steps in sorted(
        episodes[CELL].drop_duplicates().itertuples(index=False), key=lambda cell: cell[3]
    ):
        chosen[task, policy] = (sampler, steps)
    flagged = measurements[measurements["headline"].astype(bool)][CELL].drop_duplicates()
    if (twice := flagged.duplicated(["task", "policy"])).any():
        task, policy = flagged.loc[twice, ["task", "policy"]].iloc[0]
        raise FmbenchError(
            f"measurements.csv flags two headline configurations of {policy} on {task}; keep one"
        )
    present = set(episodes[CELL].drop_duplicates().itertuples(index=False, name=None))
    for task, policy, sampler, steps in flagged.itertuples(index=False):
        if (task, policy, sampler, steps) in present:
            chosen[task, policy] = (sampler, steps)
    return chosen


def summarise(
    episodes: pd.DataFrame,
    measurements: pd.DataFrame,
    looks: Looks = OF_CATALOGUE,
    train_seeds: int | None = None,
) -> pd.DataFrame:
    """Summarise every cell: one row per task x policy x sampler x steps.

    Args:
        episodes: Frame of `EpisodeRow`.
        measurements: Frame of `MeasurementRow`; may be empty.
        looks: Defines the order of the policies.
        train_seeds: Number of training seeds of a complete cell; None for those it has.

    Returns:
        Frame of `SummaryRow`, tasks in order of appearance, policies in the order of `looks`.
    """
    headline = headline_configurations(episodes, measurements)
    tasks = list(dict.fromkeys(episodes["task"]))
    planned = episodes.groupby("task")["episode_seed"].nunique()
    cells = [SummaryKey(*cell) for cell in episodes[CELL].drop_duplicates().itertuples(index=False)]
    cells.sort(key=lambda cell: (tasks.index(cell.task), looks.order(cell.policy), *cell[2:]))
    groups, costs = groups_of(episodes), groups_of(measurements)
    rows = [
        _summarise_cell(
            cell,
            groups[cell],
            costs.get(cell, measurements.iloc[:0]),
            headline[cell.task, cell.policy] == cell[2:],
            int(planned[cell.task]),
            train_seeds or 0,
        )
        for cell in cells
    ]
    return frame(rows, SummaryRow)


def seed_rates(episodes: pd.DataFrame) -> pd.DataFrame:
    """Return the success rate of every cell and training seed."""
    rates = episodes.groupby([*CELL, "train_seed"])["success"].mean()
    return rates.rename("success_rate").reset_index()


def _summarise_cell(
    cell: SummaryKey,
    episodes: pd.DataFrame,
    costs: pd.DataFrame,
    headline: bool,
    planned: int,
    train_seeds: int,
) -> SummaryRow:
    """Summarise one cell; it is complete with `planned` episodes of each of `train_seeds`."""
    # A diverged episode may have no progress value; it counts as 0.
    seeds = episodes.fillna({"progress": 0.0}).groupby("train_seed")
    means = seeds[["success", "success_any", "success_end", "progress", "nfe"]].mean()
    over_seeds = means.mean()
    modes = episodes.loc[episodes["mode"] != "", "mode"].value_counts().sort_index()
    low, high, disagree = _interval(episodes, means["success"])
    return SummaryRow(
        *cell,
        headline=headline,
        episodes=len(episodes),
        train_seeds=len(means),
        successes=int(episodes["success"].sum()),
        success_rate=float(over_seeds["success"]),
        low=low,
        high=high,
        interval=OVER_EPISODES if len(means) == 1 else OVER_SEEDS,
        seed_rates=" ".join(repr(float(rate)) for rate in means["success"]),
        seeds_disagree=disagree,
        success_any=float(over_seeds["success_any"]),
        success_end=float(over_seeds["success_end"]),
        progress=float(over_seeds["progress"]),
        nfe=float(over_seeds["nfe"]),
        nfe_p5=float(episodes["nfe"].quantile(0.05)),
        nfe_p95=float(episodes["nfe"].quantile(0.95)),
        latency_ms_p50=float(costs["latency_ms_p50"].astype(float).mean()),
        latency_ms_p95=float(costs["latency_ms_p95"].astype(float).mean()),
        parameters=float(costs["parameters"].max()),
        training_time_s=float(costs["training_time_s"].astype(float).mean()),
        unstable=int(episodes["sim_unstable"].sum()),
        errors=int((episodes["error"] != "").sum()),
        modes=" / ".join(f"{mode} {count}" for mode, count in modes.items()),
        complete=bool((seeds["episode_seed"].nunique() == planned).all())
        and (cell.policy in REFERENCES or len(means) >= train_seeds),
    )


def _interval(episodes: pd.DataFrame, seed_means: pd.Series[float]) -> tuple[float, float, bool]:
    """Return the interval of a cell's success rate, and whether its seeds disagree."""
    if len(seed_means) == 1:
        low, high = wilson_interval(int(episodes["success"].sum()), len(episodes))
        return low, high, False
    # Seeds may have lost episodes: rates of all, as if each had as few as the fewest.
    fewest = int(episodes.groupby("train_seed").size().min())
    seeds = seeds_of(seed_means.to_numpy() * fewest, fewest)
    bounds = interval_over_seeds(seeds)
    return float(bounds.low), float(bounds.high), bool(is_beyond_range(seeds))
