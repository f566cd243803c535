"""Rows of `behaviour.csv`: forces, drops, jerk and furthest stages of the headlines of a run."""

from __future__ import annotations

import dataclasses
from collections import Counter
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from fmbench.report.outcomes import CELL, Columns, SummaryKey
from fmbench.report.results import Results
from fmbench.report.statistics import Interval
from fmbench.storage.rows import REFERENCES, Row

RESAMPLES, SEED, CONFIDENCE = 2_000, 0, 0.95
Numbers = NDArray[np.float64]
_WHOLE = ("train_seed", "episode_seed", "success")
_NUMBERS = ("peak_contact_force", "drops", "jerk", "stages_reached")


@dataclasses.dataclass(frozen=True)
class BehaviourRow(Row):
    """The behaviour of one headline on one task, over its plain episodes of all training seeds."""

    file_name: ClassVar[str] = "behaviour.csv"
    key: ClassVar[tuple[str, ...]] = tuple(CELL)

    task: str
    policy: str
    sampler: str
    steps: int
    train_seeds: int
    episodes: int
    """Episodes that were measured; those of earlier versions were not."""
    success_rate: float
    peak_force_median: float | None
    """Median over the episodes of their largest contact force [N]."""
    peak_force_p90: float | None
    """90th percentile."""
    drops: float | None
    """Mean number of drops of an episode; None where nothing can be dropped."""
    drops_low: float | None
    """Lower bound of its 95 % interval."""
    drops_high: float | None
    jerk: float | None
    """Mean absolute third difference of the commands."""
    stages: str
    """Episodes by furthest stage, in order, e.g. `start: 3; lifted: 5; held: 92`."""

    @property
    def cell(self) -> SummaryKey:
        """The key of its row in the summary."""
        return SummaryKey(self.task, self.policy, self.sampler, self.steps)


@dataclasses.dataclass(frozen=True)
class CellBehaviour:
    """The behaviour of a headline, as it is drawn.

    Attributes:
        row: Its row.
        stages: Furthest stages, each with its number, and the share of episodes that ended there.
    """

    row: BehaviourRow
    stages: dict[tuple[int, str], float]


def behaviours(results: Results) -> list[CellBehaviour]:
    """Return the behaviour of every headline with measured episodes, in the order of the summary.

    Delayed and disturbed episodes are left out.
    """
    episodes = results.episodes
    is_measured = (episodes["stage"] != "") | episodes["peak_contact_force"].notna()
    if not is_measured.any():
        return []
    measured = episodes[is_measured]
    groups: Any = measured.groupby(CELL, sort=False).indices
    columns = {name: measured[name].to_numpy() for name in (*_WHOLE, "stage")}
    columns |= {name: measured[name].to_numpy(dtype=float) for name in _NUMBERS}
    headlines = results.summary[results.summary["headline"].astype(bool)]
    found = []
    for key in headlines[CELL].itertuples(index=False, name=None):
        if key in groups:  # as arrays: of many cells much faster than as frames
            values = {name: column[groups[key]] for name, column in columns.items()}
            found.append(_behaviour(SummaryKey(*key), values))
    return found


def drops_interval(drops: Numbers) -> Interval:
    """Compute the 95 % interval of the mean number of drops of an episode.

    It is a percentile bootstrap that draws starts and training seeds, but no narrower than the
    exact interval of a Poisson rate (Garwood 1936): without a drop in n episodes, all resamples
    are 0, and the rate may still be 3.7 / n.

    Args:
        drops: (seeds, starts); NaN where an episode was not measured.
    """
    there = ~np.isnan(drops)
    count, n = float(drops[there].sum()), int(there.sum())
    tail = (1 - CONFIDENCE) / 2
    # Quantiles of the gamma distributions with shapes k and k + 1, divided by n.
    low = float(special.gammaincinv(count, tail)) / n if count else 0.0
    high = float(special.gammaincinv(count + 1, 1 - tail)) / n
    common = drops[:, there.all(axis=0)]
    if common.size:
        starts, seeds = _resamples(*common.shape)
        means = (starts @ common.T * seeds).sum(axis=1)
        drawn_low, drawn_high = np.percentile(means, [100 * tail, 100 * (1 - tail)])
        low, high = min(low, float(drawn_low)), max(high, float(drawn_high))
    return Interval(low, high)


@lru_cache(maxsize=8)
def _resamples(seeds: int, starts: int) -> tuple[Numbers, Numbers]:
    """Return the weights of the starts, (resamples, starts), and of the seeds in each resample."""
    rng = np.random.default_rng(SEED)
    of_starts = rng.multinomial(starts, np.full(starts, 1 / starts), size=RESAMPLES) / starts
    of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    return of_starts, of_seeds


def _behaviour(cell: SummaryKey, episodes: Columns) -> CellBehaviour:
    numbers, names = episodes["stages_reached"], episodes["stage"]
    reached = Counter(
        (int(number), str(name)) for number, name in zip(numbers, names, strict=True) if name
    )
    drops = interval = None
    if not np.isnan(episodes["drops"]).all():
        table = _by_seed_and_start(episodes, "drops")
        drops, interval = float(np.nanmean(table)), drops_interval(table)
    median, high = _percentiles(episodes["peak_contact_force"], (50, 90))
    counts = dict(sorted(reached.items()))
    row = BehaviourRow(
        *cell,
        train_seeds=0 if cell.policy in REFERENCES else len(set(episodes["train_seed"].tolist())),
        episodes=len(names),
        success_rate=float(episodes["success"].mean()),
        peak_force_median=median,
        peak_force_p90=high,
        drops=drops,
        drops_low=interval.low if interval else None,
        drops_high=interval.high if interval else None,
        jerk=_mean(episodes["jerk"]),
        stages="; ".join(f"{name}: {count}" for (_, name), count in counts.items()),
    )
    total = reached.total()
    return CellBehaviour(row, {stage: count / total for stage, count in counts.items()})


def _by_seed_and_start(episodes: Columns, name: str) -> Numbers:
    """Return a column as a table, a row per training seed, a column per start; NaN for none."""
    places = [np.unique(episodes[key], return_inverse=True) for key in _WHOLE[:2]]
    (seeds, rows), (starts, columns) = places
    table = np.full((len(seeds), len(starts)), np.nan)
    table[rows, columns] = episodes[name]
    return table


def _percentiles(values: Numbers, shares: tuple[int, int]) -> tuple[float | None, float | None]:
    """Return two percentiles of the numbers that are there; None if there is none."""
    there = values[~np.isnan(values)]
    if not there.size:
        return None, None
    low, high = np.percentile(there, shares)
    return float(low), float(high)


def _mean(values: Numbers) -> float | None:
    there = values[~np.isnan(values)]
    return float(there.mean()) if there.size else None
