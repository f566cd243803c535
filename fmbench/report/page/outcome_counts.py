"""How the episodes of every policy on a task ended, counted from the rows of runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.page.runs import NamedRun
from fmbench.report.row_texts import sampler_label

OUTCOMES = ("solved", "timed out", "failed", "unstable", "error")
"""How an episode can end: by a failure that cannot be undone, a simulation that diverged, ..."""
Headlines = dict[str, dict[str, SummaryKey]]
"""Task to its policies, each with its headline cell."""


@dataclasses.dataclass(frozen=True)
class PolicyOutcomes:
    """The episodes of one policy on one task in one run, at its headline sampler.

    Attributes:
        run: Name of the run.
        policy: The policy.
        label: How it is shown.
        sampler: Its sampler and steps; empty where nothing is sampled.
        counts: Outcome to the number of episodes, in the order of `OUTCOMES`.
        modes: Mode to the number of episodes that took it, where the task has several.
    """

    run: str
    policy: str
    label: str
    sampler: str
    counts: Mapping[str, int]
    modes: Mapping[str, int]

    @property
    def episodes(self) -> int:
        """Number of episodes."""
        return sum(self.counts.values())


def headlines(run: NamedRun) -> Headlines:
    """Return the headline cells of a run, tasks in its order, policies as tables have them."""
    summary, looks = run.results.summary, run.results.looks
    keys = [SummaryKey(*cell) for cell in summary[CELL].itertuples(index=False)]
    heads = [key for key, is_head in zip(keys, summary["headline"], strict=True) if is_head]
    found: Headlines = {key.task: {} for key in heads}
    for key in sorted(heads, key=lambda key: looks.order(key.policy)):
        found[key.task][key.policy] = key
    return found


def outcomes_of_run(
    run: NamedRun, heads: Headlines, horizons: Mapping[str, int]
) -> dict[str, list[PolicyOutcomes]]:
    """Return how the episodes of every policy ended, by task.

    Args:
        run: The run.
        heads: Its headline cells.
        horizons: Task to the control steps after which its episodes are cut off.
    """
    rows = run.results.episodes
    kinds = outcome_kinds(rows, rows["task"].map(horizons).to_numpy(dtype=np.int64))
    cells: Any = rows.groupby(CELL, sort=False).indices
    places = {SummaryKey(*key): at for key, at in cells.items()}
    return {
        task: [_of_cell(run, key, kinds[places[key]]) for key in policies.values()]
        for task, policies in heads.items()
    }


def outcome_kinds(rows: pd.DataFrame, horizon: NDArray[Any] | int) -> NDArray[np.int64]:
    """Return how each of n episodes ended, `(n,)`, as a place in `OUTCOMES`.

    Args:
        rows: The episodes.
        horizon: Control steps after which they are cut off, of each or of all.
    """
    conditions = [
        rows["error"].to_numpy() != "",
        rows["sim_unstable"].to_numpy(dtype=bool),
        rows["success"].to_numpy(dtype=bool),
        rows["length"].to_numpy() >= horizon,
    ]
    kinds = [OUTCOMES.index(name) for name in ("error", "unstable", "solved", "timed out")]
    return np.select(conditions, kinds, OUTCOMES.index("failed"))


def longest_episodes(runs: Sequence[NamedRun]) -> dict[str, int]:
    """Return the length of the longest episode of every task [control steps]."""
    longest: dict[str, int] = {}
    for run in runs:
        lengths = run.results.episodes.groupby("task", sort=False)["length"].max()
        for task, length in lengths.items():
            longest[str(task)] = max(longest.get(str(task), 0), int(length))
    return longest


def _of_cell(run: NamedRun, key: SummaryKey, kinds: NDArray[np.int64]) -> PolicyOutcomes:
    counts = np.bincount(kinds, minlength=len(OUTCOMES)).tolist()
    return PolicyOutcomes(
        run=run.name,
        policy=key.policy,
        label=run.results.looks.label(key.policy),
        sampler=sampler_label(key.sampler, key.steps) if key.sampler else "",
        counts=dict(zip(OUTCOMES, counts, strict=True)),
        modes=run.results.outcomes.modes.get(key, {}),
    )
