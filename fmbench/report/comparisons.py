"""Pairwise comparisons of the policies of a task, on the same episodes.

Policies are compared at their headline configurations only. The expert and random actions are
references and are not compared.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd

from fmbench.report.caveats import broken_cells
from fmbench.report.looks import OF_CATALOGUE, Looks
from fmbench.report.statistics import Difference, holm, mcnemar_exact, paired_difference, paired_t
from fmbench.report.summary import (
    SummaryKey,
    frame,
    headline_configurations,
    rows_of,
)
from fmbench.storage.rows import REFERENCES, Row

NO_DIFFERENCE = "no significant difference"
"""Verdict of a pair whose adjusted p-value is not below the level."""


@dataclasses.dataclass(frozen=True)
class ComparisonRow(Row):
    """Policy A against policy B on one task, each with its headline sampler."""

    key: ClassVar[tuple[str, ...]] = ("task", "policy_a", "policy_b")

    task: str
    policy_a: str
    policy_b: str
    train_seeds: int
    """Common training seeds; 0 if the policies have no episode in common."""
    episodes: int
    """Common episodes per training seed."""
    b: float
    """Episodes that only A solved; NaN with several training seeds, like `c`."""
    c: float
    """Episodes that only B solved."""
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
    """Compare every pair of learned policies of a task at their headline configurations.

    One common training seed: exact McNemar test on the common episode seeds, and a bootstrap
    interval of the difference. Several: paired t test over the seed means. The p-values of the
    table are Holm-adjusted; from `level` on, the verdict is `NO_DIFFERENCE`. A policy whose
    headline is a broken cell is compared with none.

    Returns:
        Frame of `ComparisonRow`.
    """
    rows = []
    headline = headline_configurations(episodes, measurements)
    cells = [SummaryKey(*pair, *configuration) for pair, configuration in headline.items()]
    broken = broken_cells(episodes)
    compared = [cell for cell in cells if cell.policy not in REFERENCES and cell not in broken]
    for task in dict.fromkeys(episodes["task"]):
        outcomes = {
            cell.policy: _outcomes(episodes, cell) for cell in compared if cell.task == task
        }
        learned = sorted(outcomes, key=looks.order)
        for a, b in itertools.combinations(learned, 2):
            rows.append(_compare_pair(task, a, b, outcomes[a], outcomes[b]))
    return frame(_with_verdicts(rows, level), ComparisonRow)


def compare_at_equal_nfe(
    episodes: pd.DataFrame,
    a: tuple[str, str] = ("flow", "euler"),
    b: tuple[str, str] = ("diffusion", "ddim"),
    level: float = 0.05,
) -> pd.DataFrame:
    """Compare two policies, each with one sampler, at every number of steps that both used.

    Args:
        episodes: Frame of `EpisodeRow`.
        a: Policy and sampler, with one evaluation per step.
        b: The other policy and sampler, likewise.
        level: As in `compare`; Holm's adjustment is over the table.

    Returns:
        Frame of `ComparisonRow`; each policy name includes the number of evaluations.
    """
    rows = []
    broken = broken_cells(episodes)
    for task in dict.fromkeys(episodes["task"]):
        of_task = episodes[episodes["task"] == task]
        steps_a, steps_b = (
            set(of_task.loc[(of_task["policy"] == p) & (of_task["sampler"] == s), "steps"])
            for p, s in (a, b)
        )
        for steps in sorted(steps_a & steps_b):
            cells = [SummaryKey(task, *pair, steps) for pair in (a, b)]
            if not broken.isdisjoint(cells):
                continue
            outcomes = [_outcomes(episodes, cell) for cell in cells]
            names = f"{a[0]} at {steps}", f"{b[0]} at {steps}"
            rows.append(_compare_pair(task, *names, outcomes[0], outcomes[1]))
    return frame(_with_verdicts(rows, level), ComparisonRow)


def adjust_together(tables: Sequence[pd.DataFrame], level: float = 0.05) -> pd.DataFrame:
    """Return the comparisons of several runs as one table, Holm-adjusted over all of them.

    Args:
        tables: Frames of `ComparisonRow`.
        level: As in `compare`.
    """
    names = [field.name for field in dataclasses.fields(ComparisonRow)]
    rows = [
        dataclasses.replace(
            ComparisonRow(**{name: row[name] for name in names}),
            p_holm=np.nan,
            verdict="not comparable",
        )
        for table in tables
        for row in table.to_dict("records")
    ]
    return frame(_with_verdicts(rows, level), ComparisonRow)


def _with_verdicts(rows: list[ComparisonRow], level: float) -> list[ComparisonRow]:
    """Adjust the p-values of a table by Holm's method and add the verdicts."""
    tested = [i for i, row in enumerate(rows) if not np.isnan(row.p)]
    for i, p_holm in zip(tested, holm([rows[i].p for i in tested]), strict=True):
        row = rows[i]
        ahead = row.policy_a if row.difference > 0 else row.policy_b
        verdict = f"{ahead} ahead" if p_holm < level else NO_DIFFERENCE
        rows[i] = dataclasses.replace(row, p_holm=float(p_holm), verdict=verdict)
    return rows


def leaders(comparisons: pd.DataFrame, not_compared: Collection[SummaryKey] = ()) -> dict[str, str]:
    """Return for each task the policy that is significantly ahead of all others, if any.

    Args:
        comparisons: Frame of `ComparisonRow`.
        not_compared: Headlines left out of them; none can lead where one was left out.
    """
    leader_by_task = {}
    for task, rows in comparisons.groupby("task"):
        if any(cell.task == task for cell in not_compared):
            continue
        for policy in {*rows["policy_a"], *rows["policy_b"]}:
            of_policy = rows[(rows["policy_a"] == policy) | (rows["policy_b"] == policy)]
            if (of_policy["verdict"] == f"{policy} ahead").all():
                leader_by_task[str(task)] = str(policy)
    return leader_by_task


def config_differences(
    origins: pd.DataFrame, measurements: pd.DataFrame, looks: Looks = OF_CATALOGUE
) -> list[str]:
    """Describe, in one line each, what differs between cells of a task that should agree.

    Args:
        origins: Frame of `OriginRow`.
        measurements: Frame of `MeasurementRow`; may be empty.
        looks: Define which policies belong to the study, their labels and their order.
    """
    shared = [
        rows[rows["policy"].map(looks.is_known).astype(bool)] for rows in (origins, measurements)
    ]
    checks = [
        (origins, "task_hash"),
        (shared[0], "demonstrations_hash"),
        (shared[1], "parameters"),
    ]
    if not _have_equal_rows(shared[1]):
        checks.insert(2, (shared[1], "updates"))
    lines = []
    for task in dict.fromkeys(origins["task"]):
        for rows, field in checks:
            values = rows[rows["task"] == task].groupby("policy")[field].unique()
            if len(set(itertools.chain.from_iterable(values))) > 1:
                by_policy = "; ".join(
                    f"{looks.label(policy)} "
                    + " and ".join(_format(value) for value in sorted(values[policy]))
                    for policy in sorted(values.index, key=looks.order)
                )
                lines.append(f"{task}: policies differ in {field.replace('_', ' ')}: {by_policy}")
    return lines


def _have_equal_rows(measurements: pd.DataFrame) -> bool:
    """Return whether trainings evaluate equally many rows of the network, to one update."""
    if measurements["rows_per_update"].isna().any():
        return False
    trained = measurements[measurements["rows_per_update"].astype(float) != 0]
    rows = trained["updates"] * trained["rows_per_update"].astype(float)
    return bool(rows.max() - rows.min() <= trained["rows_per_update"].astype(float).max())


def _outcomes(episodes: pd.DataFrame, cell: SummaryKey) -> pd.Series[bool]:
    """Return the successes of one cell, indexed by (train_seed, episode_seed), sorted."""
    outcomes = rows_of(cell, episodes).set_index(["train_seed", "episode_seed"])["success"]
    return outcomes.astype(bool).sort_index()


def _compare_pair(
    task: str, a: str, b: str, outcomes_a: pd.Series[bool], outcomes_b: pd.Series[bool]
) -> ComparisonRow:
    """Compare two policies on their common training seeds and episode seeds."""
    common = outcomes_a.index.intersection(outcomes_b.index).sort_values()
    per_seed = common.to_frame().groupby(level="train_seed").size()
    row = ComparisonRow(
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
        return row
    on_a, on_b = outcomes_a.loc[common], outcomes_b.loc[common]
    if len(per_seed) == 1:
        exact = mcnemar_exact(on_a, on_b)
        # The table must be a function of its rows, so each bootstrap has the same fixed seed.
        estimate = paired_difference(on_a, on_b, np.random.default_rng(0))
        estimate = Difference(estimate.mean, estimate.low, estimate.high, exact.p)
        row = dataclasses.replace(row, b=exact.b, c=exact.c, test="exact McNemar")
    else:
        means_a, means_b = (x.groupby(level="train_seed").mean() for x in (on_a, on_b))
        estimate = paired_t(means_a, means_b, resolution=1 / row.episodes)
        row = dataclasses.replace(row, test="paired t over training seeds")
    low, high = max(estimate.low, -1.0), min(estimate.high, 1.0)
    return dataclasses.replace(row, difference=estimate.mean, low=low, high=high, p=estimate.p)


def _format(value: object) -> str:
    """Format a value: numbers with thousands separators, hashes shortened."""
    return f"{value:,}" if isinstance(value, int | np.integer) else str(value)[:12] or "none"
