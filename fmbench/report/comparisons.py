"""Comparisons of two policies on the same episodes, for every pair of a task.

Policies are compared at their headline configurations only; ceiling and floor with nobody.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import ClassVar

import numpy as np
import pandas as pd

from fmbench.report.looks import OF_CATALOGUE, REFERENCES, Looks
from fmbench.report.statistics import Difference, holm, mcnemar_exact, paired_difference, paired_t
from fmbench.report.summary import (
    Cell,
    frame,
    headline_configurations,
    rows_of,
)
from fmbench.storage.rows import Row


@dataclasses.dataclass(frozen=True)
class ComparisonRow(Row):
    """Policy A against policy B on one task, each with its headline sampler."""

    key: ClassVar[tuple[str, ...]] = ("task", "policy_a", "policy_b")

    task: str
    policy_a: str
    policy_b: str
    train_seeds: int
    """Common training seeds; 0 if there is nothing in common to compare."""
    episodes: int
    """Common episodes per training seed."""
    b: float
    """Episodes that A alone solved; NaN with several training seeds, as `c`."""
    c: float
    """Episodes that B alone solved."""
    difference: float
    """Success rate of A minus that of B."""
    low: float
    high: float
    test: str
    p: float
    p_holm: float = np.nan
    verdict: str = "not comparable"


def compare(
    episodes: pd.DataFrame,
    measurements: pd.DataFrame,
    looks: Looks = OF_CATALOGUE,
    level: float = 0.05,
) -> pd.DataFrame:
    """Compare every two learned policies of a task at their headline configurations.

    One common training seed: exact McNemar on the common episode seeds, and a bootstrap interval
    of the difference. Several: paired t over the means of the seeds. The p-values of the whole
    table are adjusted by Holm; where the adjusted value is not below `level`, the verdict is a tie.

    Returns:
        Frame of `ComparisonRow`.
    """
    rows = []
    headline = headline_configurations(episodes, measurements)
    for task in dict.fromkeys(episodes["task"]):
        learned = sorted(
            (p for t, p in headline if t == task and p not in REFERENCES), key=looks.order
        )
        outcomes = {p: _outcomes(episodes, Cell(task, p, *headline[task, p])) for p in learned}
        for a, b in itertools.combinations(learned, 2):
            rows.append(_compare_pair(task, a, b, outcomes[a], outcomes[b]))
    return frame(_judged(rows, level), ComparisonRow)


def compare_at_equal_nfe(
    episodes: pd.DataFrame,
    a: tuple[str, str] = ("flow", "euler"),
    b: tuple[str, str] = ("diffusion", "ddim"),
    level: float = 0.05,
) -> pd.DataFrame:
    """Compare two policies, each with one sampler, wherever both took equally many steps.

    Args:
        episodes: Frame of `EpisodeRow`.
        a: Policy and sampler, one evaluation a step.
        b: The same of the other.
        level: As in `compare`, also for Holm's adjustment over the whole table.

    Returns:
        Frame of `ComparisonRow`, its policies named with their number of evaluations.
    """
    rows = []
    for task in dict.fromkeys(episodes["task"]):
        own = episodes[episodes["task"] == task]
        taken = [
            set(own.loc[(own["policy"] == policy) & (own["sampler"] == sampler), "steps"])
            for policy, sampler in (a, b)
        ]
        for steps in sorted(taken[0] & taken[1]):
            outcomes = [_outcomes(episodes, Cell(task, *which, steps)) for which in (a, b)]
            names = f"{a[0]} at {steps}", f"{b[0]} at {steps}"
            rows.append(_compare_pair(task, *names, outcomes[0], outcomes[1]))
    return frame(_judged(rows, level), ComparisonRow)


def _judged(rows: list[ComparisonRow], level: float) -> list[ComparisonRow]:
    """Adjust the p-values of a table by Holm and say who is ahead."""
    tested = [i for i, row in enumerate(rows) if not np.isnan(row.p)]
    for i, p_holm in zip(tested, holm([rows[i].p for i in tested]), strict=True):
        row = rows[i]
        ahead = row.policy_a if row.difference > 0 else row.policy_b
        verdict = f"{ahead} ahead" if p_holm < level else "tie"
        rows[i] = dataclasses.replace(row, p_holm=float(p_holm), verdict=verdict)
    return rows


def leaders(comparisons: pd.DataFrame) -> dict[str, str]:
    """Return the policy of each task that is ahead of all others; tasks with a tie have none."""
    found = {}
    for task, rows in comparisons.groupby("task"):
        for policy in {*rows["policy_a"], *rows["policy_b"]}:
            own = rows[(rows["policy_a"] == policy) | (rows["policy_b"] == policy)]
            if (own["verdict"] == f"{policy} ahead").all():
                found[str(task)] = str(policy)
    return found


def config_differences(
    origins: pd.DataFrame, measurements: pd.DataFrame, looks: Looks = OF_CATALOGUE
) -> list[str]:
    """Say, one line each, what differs between cells of one task that should be equal.

    Args:
        origins: Frame of `OriginRow`.
        measurements: Frame of `MeasurementRow`; may be empty.
        looks: Says which policies belong to the study.
    """
    shared = [
        rows[rows["policy"].map(looks.is_known).astype(bool)] for rows in (origins, measurements)
    ]
    checks = [
        (origins, "task_hash"),
        (shared[0], "demonstrations_hash"),
        (shared[1], "updates"),
        (shared[1], "parameters"),
    ]
    lines = []
    for task in dict.fromkeys(origins["task"]):
        for rows, field in checks:
            values = rows[rows["task"] == task].groupby("policy")[field].unique()
            if len(set(itertools.chain.from_iterable(values))) > 1:
                said = "; ".join(
                    f"{looks.label(policy)} {' and '.join(_say(v) for v in sorted(values[policy]))}"
                    for policy in sorted(values.index, key=looks.order)
                )
                lines.append(f"{task}: {field.replace('_', ' ')} differs: {said}")
    return lines


def _outcomes(episodes: pd.DataFrame, cell: Cell) -> pd.Series[bool]:
    """Return the successes of one cell, indexed by (train_seed, episode_seed), sorted."""
    outcomes = rows_of(cell, episodes).set_index(["train_seed", "episode_seed"])["success"]
    return outcomes.astype(bool).sort_index()


def _compare_pair(
    task: str, a: str, b: str, outcomes_a: pd.Series[bool], outcomes_b: pd.Series[bool]
) -> ComparisonRow:
    """Compare two policies on their common training seeds and episode seeds."""
    common = outcomes_a.index.intersection(outcomes_b.index).sort_values()
    per_seed = common.to_frame().groupby(level="train_seed").size()
    one = ComparisonRow(
        task,
        a,
        b,
        train_seeds=len(per_seed),
        episodes=int(per_seed.min()) if len(per_seed) else 0,
        b=np.nan,
        c=np.nan,
        difference=np.nan,
        low=np.nan,
        high=np.nan,
        test="",
        p=np.nan,
    )
    if len(common) == 0:
        return one
    on_a, on_b = outcomes_a.loc[common], outcomes_b.loc[common]
    if len(per_seed) == 1:
        exact = mcnemar_exact(on_a, on_b)
        # The table is a function of its rows, so the bootstrap has one generator of its own.
        found = paired_difference(on_a, on_b, np.random.default_rng(0))
        found = Difference(found.mean, found.low, found.high, exact.p)
        one = dataclasses.replace(one, b=exact.b, c=exact.c, test="exact McNemar")
    else:
        means_a, means_b = (x.groupby(level="train_seed").mean() for x in (on_a, on_b))
        found = paired_t(means_a, means_b, resolution=1 / one.episodes)
        one = dataclasses.replace(one, test="paired t over training seeds")
    low, high = max(found.low, -1.0), min(found.high, 1.0)
    return dataclasses.replace(one, difference=found.mean, low=low, high=high, p=found.p)


def _say(value: object) -> str:
    """Write one value of a difference: numbers with separators, hashes cut."""
    return f"{value:,}" if isinstance(value, int | np.integer) else str(value)[:12] or "none"
