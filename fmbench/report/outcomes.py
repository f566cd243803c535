"""Rows of episodes, reduced once to what all tables need.

These are the counts of every cell and training seed, and the outcome of every episode, for pairs of
policies on the same episodes.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CELL = ["task", "policy", "sampler", "steps"]
"""Key of a summary row, which covers all training seeds."""
MEANS = ["success", "success_any", "success_end", "progress", "nfe"]
"""Columns of the episodes whose means the tables show."""


Columns = dict[str, NDArray[Any]]
"""Values of some rows by column."""


class SummaryKey(NamedTuple):
    """Key of one row of the summary."""

    task: str
    policy: str
    sampler: str
    steps: int


class Solved(NamedTuple):
    """Which episodes of a cell succeeded, in the order of training seeds and episode seeds."""

    episodes: NDArray[np.int64]
    """(n,) ranks of the pairs of training seed and episode seed, ascending."""
    success: NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Outcomes:
    """What rows of episodes say, each cell once.

    Attributes:
        by_seed: A row per cell and training seed, cells in order of appearance and seeds in
            ascending order: `episodes`, `successes`, `unstable`, `errors`, `ended` (by an error or
            an unstable simulation), `episode_seeds` (different ones), and the means of `success`,
            `success_any`, `success_end`, `progress` (0 where a diverged episode has none) and
            `nfe`.
        tasks: Task to the number of its episode seeds, in order of appearance.
        solved: The outcomes of every cell.
        train_seeds: (n,) training seed of every rank in `solved`.
        nfe: (n,) evaluations of every episode of every cell.
        modes: Episodes of every mode of every cell that has some, modes in order.
    """

    by_seed: pd.DataFrame
    tasks: dict[str, int]
    solved: dict[SummaryKey, Solved]
    train_seeds: NDArray[np.int64]
    nfe: dict[SummaryKey, NDArray[np.float64]]
    modes: dict[SummaryKey, dict[str, int]]

    def seeds_by_cell(self) -> dict[SummaryKey, Columns]:
        """Return the rows of `by_seed` of every cell, as columns."""
        return columns_by_cell(self.by_seed)


def columns_by_cell(rows: pd.DataFrame) -> dict[SummaryKey, Columns]:
    """Return the rows of every cell as columns; of many cells much faster than as frames."""
    columns = {str(name): rows[name].to_numpy() for name in rows.columns}
    groups: Any = rows.groupby(CELL, sort=False).indices
    return {
        SummaryKey(*key): {name: values[places] for name, values in columns.items()}
        for key, places in groups.items()
    }


def outcomes_of(episodes: pd.DataFrame | Outcomes) -> Outcomes:
    """Reduce a frame of `EpisodeRow`; what is reduced already is returned."""
    if isinstance(episodes, Outcomes):
        return episodes
    episodes = episodes.reset_index(drop=True)
    cells = episodes.groupby(CELL, sort=False)
    code = cells.ngroup().to_numpy()
    keys = [SummaryKey(*key) for key in episodes[CELL][_is_first(code)].itertuples(index=False)]
    pairs = episodes.groupby(["train_seed", "episode_seed"])
    rank = pairs.ngroup().to_numpy()
    order = np.lexsort((rank, code))
    ends = np.cumsum(np.bincount(code, minlength=len(keys)))[:-1]
    success, nfe = (episodes[name].to_numpy() for name in ("success", "nfe"))
    ranks = np.split(rank[order], ends)
    solved = np.split(success[order].astype(bool), ends)
    evaluations = np.split(nfe[np.argsort(code, kind="stable")].astype(float), ends)
    return Outcomes(
        _by_seed(episodes, code, keys),
        {str(task): int(n) for task, n in _seeds_of_tasks(episodes).items()},
        {key: Solved(*found) for key, *found in zip(keys, ranks, solved, strict=False)},
        _train_seeds(episodes, rank),
        dict(zip(keys, evaluations, strict=False)),
        _modes(episodes, code, keys),
    )


def _is_first(code: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether an element is the first of its value."""
    return ~pd.Series(code).duplicated().to_numpy()


def _seeds_of_tasks(episodes: pd.DataFrame) -> pd.Series[int]:
    return episodes.groupby("task", sort=False)["episode_seed"].nunique()


def _train_seeds(episodes: pd.DataFrame, rank: NDArray[Any]) -> NDArray[np.int64]:
    seeds = np.zeros(int(rank.max(initial=-1)) + 1, dtype=np.int64)
    seeds[rank] = episodes["train_seed"].to_numpy(dtype=np.int64)
    return seeds


def _by_seed(episodes: pd.DataFrame, code: NDArray[Any], keys: list[SummaryKey]) -> pd.DataFrame:
    """Return the counts and means of every cell and training seed."""
    by = [code, episodes["train_seed"].to_numpy()]
    errors, unstable = episodes["error"] != "", episodes["sim_unstable"].astype(bool)
    groups = (
        episodes[MEANS]
        .fillna({"progress": 0.0})
        .assign(errors=errors, unstable=unstable, ended=errors | unstable)
        .groupby(by)
    )
    table = groups[MEANS].mean()
    table["successes"] = groups["success"].sum().astype(int)
    for name in ("errors", "unstable", "ended"):
        table[name] = groups[name].sum().astype(int)
    table["episodes"] = groups.size()
    table["episode_seeds"] = episodes["episode_seed"].groupby(by).nunique()
    places, seeds = (table.index.get_level_values(level) for level in (0, 1))
    cells = pd.DataFrame([keys[place] for place in places], columns=CELL)
    return pd.concat([cells.assign(train_seed=seeds), table.reset_index(drop=True)], axis=1)


def _modes(
    episodes: pd.DataFrame, code: NDArray[Any], keys: list[SummaryKey]
) -> dict[SummaryKey, dict[str, int]]:
    has_mode = (episodes["mode"] != "").to_numpy()
    table = pd.DataFrame({"place": code[has_mode], "mode": episodes["mode"][has_mode].to_numpy()})
    sizes = table.groupby(["place", "mode"]).size().rename("count").reset_index()
    modes: dict[SummaryKey, dict[str, int]] = {}
    for place, mode, count in sizes.itertuples(index=False):
        modes.setdefault(keys[int(place)], {})[str(mode)] = int(count)
    return modes
