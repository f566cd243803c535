"""Rows of `behaviour.csv`: forces, drops, jerk and furthest stages of the headlines of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.results import Results
from fmbench.report.statistics import Interval
from fmbench.storage.rows import REFERENCES, Row

RESAMPLES, SEED, CONFIDENCE = 2_000, 0, 0.95
Numbers = NDArray[np.float64]


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
    return [_behaviour(cell, episodes) for cell, episodes in _headline_episodes(results)]


def drops_interval(drops: pd.DataFrame) -> Interval:
    """Compute the 95 % interval of the mean number of drops of an episode.

    It is a percentile bootstrap that draws starts and training seeds, but no narrower than the
    exact interval of a Poisson rate (Garwood 1936): without a drop in n episodes, all resamples
    are 0, and the rate may still be 3.7 / n.

    Args:
        drops: A row per training seed, a column per start.
    """
    values = drops.dropna(axis=1).to_numpy(float)
    count, n = float(np.nansum(drops.to_numpy(float))), int(drops.notna().to_numpy().sum())
    tail = (1 - CONFIDENCE) / 2
    # Quantiles of the gamma distributions with shapes k and k + 1, divided by n.
    low = float(special.gammaincinv(count, tail)) / n if count else 0.0
    high = float(special.gammaincinv(count + 1, 1 - tail)) / n
    if values.size:
        starts, seeds = _resamples(*values.shape)
        means = ((seeds @ values) * starts).sum(axis=1)
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


def _headline_episodes(results: Results) -> Iterator[tuple[SummaryKey, pd.DataFrame]]:
    """Yield every headline that has measured episodes, with these."""
    episodes = results.episodes
    is_measured = (episodes["stage"] != "") | episodes["peak_contact_force"].notna()
    if not is_measured.any():
        return
    measured = episodes[is_measured]
    groups: Any = measured.groupby(CELL, sort=False).indices
    headlines = results.summary[results.summary["headline"].astype(bool)]
    for cell in headlines[CELL].itertuples(index=False, name=None):
        if cell in groups:
            yield SummaryKey(*cell), measured.iloc[groups[cell]]


def _behaviour(cell: SummaryKey, episodes: pd.DataFrame) -> CellBehaviour:
    forces, drops, jerk = (
        episodes[name].astype(float) for name in ("peak_contact_force", "drops", "jerk")
    )
    staged = episodes[episodes["stage"] != ""]
    counts: Any = staged.groupby([staged["stages_reached"].astype(int), "stage"]).size()
    stages = {(int(number), str(name)): int(count) for (number, name), count in counts.items()}
    interval = None
    if drops.notna().any():
        interval = drops_interval(
            episodes.assign(drops=drops).pivot(
                index="train_seed", columns="episode_seed", values="drops"
            )
        )
    row = BehaviourRow(
        *cell,
        train_seeds=0 if cell.policy in REFERENCES else episodes["train_seed"].nunique(),
        episodes=len(episodes),
        success_rate=float(episodes["success"].mean()),
        peak_force_median=_or_none(float(forces.median())),
        peak_force_p90=_or_none(float(forces.quantile(0.9))),
        drops=_or_none(float(drops.mean())),
        drops_low=interval.low if interval else None,
        drops_high=interval.high if interval else None,
        jerk=_or_none(float(jerk.mean())),
        stages="; ".join(f"{name}: {count}" for (_, name), count in stages.items()),
    )
    total = max(1, len(staged))
    return CellBehaviour(row, {stage: count / total for stage, count in stages.items()})


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
