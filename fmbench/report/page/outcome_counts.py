"""How the episodes of every policy on a task ended, counted from the rows of runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fmbench.report.outcomes import CELL
from fmbench.report.page.runs import NamedRun

OUTCOMES = ("solved", "timed out", "failed", "unstable", "error")
"""How an episode can end: by a failure that cannot be undone, a simulation that diverged, ..."""


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


def headline_rows(run: NamedRun) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the episodes of a run at headline samplers, by task and policy, in its order."""
    summary, looks = run.results.summary, run.results.looks
    heads = summary[summary["headline"]]
    chosen = {tuple(cell) for cell in heads[CELL].itertuples(index=False)}
    groups: Any = run.results.episodes.groupby(CELL, sort=False)
    found = {(str(k[0]), str(k[1])): rows for k, rows in groups if tuple(k) in chosen}
    tasks = list(dict.fromkeys(task for task, _ in found))
    order = sorted(found, key=lambda key: (tasks.index(key[0]), looks.order(key[1])))
    return {key: found[key] for key in order}


def policy_outcomes(run: NamedRun, policy: str, rows: pd.DataFrame, horizon: int) -> PolicyOutcomes:
    """Return how the episodes of a policy ended.

    Args:
        run: Its run.
        policy: Its name.
        rows: Its episodes on one task.
        horizon: Control steps after which these are cut off.
    """
    first = rows.iloc[0]
    sampler = f"{first['sampler']} {first['steps'] or ''}".strip()
    kinds = outcome_kinds(rows, horizon)
    modes = rows["mode"][rows["mode"] != ""].value_counts().sort_index()
    return PolicyOutcomes(
        run=run.name,
        policy=policy,
        label=run.results.looks.label(policy),
        sampler=sampler,
        counts={name: int((kinds == k).sum()) for k, name in enumerate(OUTCOMES)},
        modes={str(mode): int(count) for mode, count in modes.items()},
    )


def outcome_kinds(rows: pd.DataFrame, horizon: int) -> np.ndarray:
    """Return how each episode ended, `(n,)`, as a place in `OUTCOMES`."""
    conditions = [
        rows["error"] != "",
        rows["sim_unstable"].astype(bool),
        rows["success"].astype(bool),
        rows["length"] >= horizon,
    ]
    kinds = [OUTCOMES.index(name) for name in ("error", "unstable", "solved", "timed out")]
    return np.select(conditions, kinds, OUTCOMES.index("failed"))


def longest_episodes(runs: Sequence[NamedRun]) -> dict[str, int]:
    """Return the length of the longest episode of every task [control steps]."""
    longest: dict[str, int] = {}
    for run in runs:
        for task, length in (
            run.results.episodes.groupby("task", sort=False)["length"].max().items()
        ):
            longest[str(task)] = max(longest.get(str(task), 0), int(length))
    return longest
