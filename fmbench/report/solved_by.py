"""How many episodes of each training seed have succeeded by some times, for many runs at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.over_seeds import Bounds, interval_over_seeds, seeds_of
from fmbench.report.results import Results
from fmbench.report.statistics import wilson_interval
from fmbench.report.times import Numbers, limit_of

_LEAST = 1e-9
"""Share of the limit by which rounding must not make an episode later than its time."""


class SolvedBy(NamedTuple):
    """The episodes of a headline on one task.

    Attributes:
        solved: (seeds, n) episodes that have succeeded by each time.
        episodes: (seeds,) episodes; a failure never succeeds.
    """

    solved: NDArray[np.int64]
    episodes: NDArray[np.int64]

    @property
    def shares(self) -> Numbers:
        """The share of all episodes that have succeeded by each time, (n,), as in the figure."""
        return np.asarray(self.solved.sum(axis=0) / self.episodes.sum())

    def bounds(self) -> Bounds:
        """Return the 95 % interval of each share, as that of a success rate."""
        if len(self.episodes) == 1:
            n = int(self.episodes[0])
            low, high = np.array([wilson_interval(int(k), n) for k in self.solved[0]]).T
            return Bounds(low, high)
        # Curves are flat for long: every different column once.
        columns, place = np.unique(self.solved, axis=1, return_inverse=True)
        fewest = int(self.episodes.min())
        rates = (columns / self.episodes[:, np.newaxis]).T
        found = interval_over_seeds(seeds_of(rates * fewest, fewest))
        return Bounds(*(side[place.ravel()] for side in found))


def solved_by(
    results: Results, task: str, points: int
) -> tuple[Numbers, dict[SummaryKey, SolvedBy]]:
    """Return what the headlines of a task have solved by some times.

    Args:
        results: The run.
        task: One of its tasks.
        points: Number of times, from 0 to the longest episode at equal distances.

    Returns:
        The times [s] and the episodes by headline; both empty if nothing has succeeded.
    """
    of_task = results.episodes[results.episodes["task"] == task]
    limit = limit_of(of_task)
    if limit is None:
        return np.empty(0), {}
    at = np.linspace(0.0, limit, points)
    rows = results.summary[(results.summary["task"] == task) & results.summary["headline"]]
    cells = [SummaryKey(*cell) for cell in rows[CELL].itertuples(index=False)]
    times = of_task["time_to_success_s"].to_numpy(dtype=float).clip(max=limit)
    # the first of the times at which it has succeeded; those that never do come after the last
    place = np.searchsorted(at, times - _LEAST * limit, side="left")
    place[np.isnan(times)] = points
    groups: Any = of_task.groupby([*CELL, "train_seed"], sort=False).indices
    by_cell: dict[SummaryKey, dict[int, NDArray[np.int64]]] = {}
    for (*cell, seed), chosen in groups.items():
        by_cell.setdefault(SummaryKey(*cell), {})[int(seed)] = place[chosen]
    return at, {cell: _counted(by_cell[cell], points) for cell in cells}


def _counted(places: dict[int, NDArray[np.int64]], points: int) -> SolvedBy:
    counts = [np.bincount(places[seed], minlength=points + 1)[:points] for seed in sorted(places)]
    solved = np.cumsum(np.array(counts), axis=1)
    return SolvedBy(solved, np.array([len(places[seed]) for seed in sorted(places)]))
