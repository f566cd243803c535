"""Pairwise comparisons of the policies of a task, on the same episodes.

Policies are compared at their headline configurations only. The expert and random actions are
references and are not compared. A comparison reduces outcomes to counts, takes interval and p-value
from `fmbench.report.statistics` (two checkpoints) or `fmbench.report.over_seeds` (two methods), and
its word from `fmbench.report.verdicts`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from fmbench.report.caveats import broken_cells
from fmbench.report.looks import OF_CATALOGUE, Looks
from fmbench.report.over_seeds import Seeds, difference_over_seeds, is_beyond_range, seeds_of
from fmbench.report.power import of_checkpoint, seeds_to_decide
from fmbench.report.statistics import holm, mcnemar_exact, paired_interval
from fmbench.report.summary import SummaryKey, frame, groups_of, headline_configurations
from fmbench.report.verdicts import (
    AHEAD,
    BEHIND,
    MARGIN,
    NOT_COMPARABLE,
    UNDECIDED,
    verdict_of,
)
from fmbench.storage.rows import REFERENCES, Row

Pair = tuple[Seeds, Seeds]
"""What the training seeds of two policies say."""


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
    verdict: str = NOT_COMPARABLE
    """One of the words of `fmbench.report.verdicts`, said of A."""
    favours: str = ""
    """The policy that is ahead, or the one that is non-inferior; empty if neither is."""
    within_margin: bool = False
    """Whether a policy is ahead by less than the margin, at most."""
    seeds_disagree: bool = False
    """Whether the training seeds of one differ by more than the intervals were tested for."""
    seeds_to_decide: float = np.nan
    """Training seeds that would decide an undecided pair; more than `MAX_SEEDS` is one more."""


def compare(
    episodes: pd.DataFrame,
    measurements: pd.DataFrame,
    looks: Looks = OF_CATALOGUE,
    margin: float = MARGIN,
) -> pd.DataFrame:
    """Compare every pair of learned policies of a task at their headline configurations.

    One common training seed: exact McNemar test on the common episode seeds, and Newcombe's paired
    interval of the difference. Several: `difference_over_seeds`. The p-values of the table are
    Holm-adjusted. A policy whose headline is a broken cell is compared with none.

    Args:
        episodes: Frame of `EpisodeRow`.
        measurements: Frame of `MeasurementRow`; may be empty.
        looks: Defines the order of the policies.
        margin: Largest difference of success rates that does not matter, in (0, 1).

    Returns:
        Frame of `ComparisonRow`.
    """
    headline = headline_configurations(episodes, measurements)
    cells = [SummaryKey(*pair, *configuration) for pair, configuration in headline.items()]
    broken = broken_cells(episodes)
    compared = [cell for cell in cells if cell.policy not in REFERENCES and cell not in broken]
    groups = groups_of(episodes)
    found = []
    for task in dict.fromkeys(episodes["task"]):
        outcomes = {cell.policy: _outcomes(groups[cell]) for cell in compared if cell.task == task}
        learned = sorted(outcomes, key=looks.order)
        for a, b in itertools.combinations(learned, 2):
            found.append(_compare_pair(task, a, b, outcomes[a], outcomes[b]))
    return frame(_with_verdicts(found, margin), ComparisonRow)


def compare_at_equal_nfe(
    episodes: pd.DataFrame,
    a: tuple[str, str] = ("flow", "euler"),
    b: tuple[str, str] = ("diffusion", "ddim"),
    margin: float = MARGIN,
) -> pd.DataFrame:
    """Compare two policies, each with one sampler, at every number of steps that both used.

    Args:
        episodes: Frame of `EpisodeRow`.
        a: Policy and sampler, with one evaluation per step.
        b: The other policy and sampler, likewise.
        margin: As in `compare`; Holm's adjustment is over the table.

    Returns:
        Frame of `ComparisonRow`; each policy name includes the number of evaluations.
    """
    found = []
    broken = broken_cells(episodes)
    groups = groups_of(episodes)
    for task in dict.fromkeys(episodes["task"]):
        steps_a, steps_b = (
            {cell.steps for cell in groups if cell[:3] == (task, *pair)} for pair in (a, b)
        )
        for steps in sorted(steps_a & steps_b):
            cells = [SummaryKey(task, *pair, steps) for pair in (a, b)]
            if not broken.isdisjoint(cells):
                continue
            outcomes = [_outcomes(groups[cell]) for cell in cells]
            names = f"{a[0]} at {steps}", f"{b[0]} at {steps}"
            found.append(_compare_pair(task, *names, outcomes[0], outcomes[1]))
    return frame(_with_verdicts(found, margin), ComparisonRow)


def adjust_together(tables: Sequence[pd.DataFrame], margin: float = MARGIN) -> pd.DataFrame:
    """Return the comparisons of several runs as one table, Holm-adjusted over all of them.

    It does not state how many training seeds would decide.

    Args:
        tables: Frames of `ComparisonRow`.
        margin: As in `compare`.
    """
    names = [field.name for field in dataclasses.fields(ComparisonRow)]
    rows = [
        dataclasses.replace(
            ComparisonRow(**{name: row[name] for name in names}), seeds_to_decide=np.nan
        )
        for table in tables
        for row in table.to_dict("records")
    ]
    return frame(_with_words(rows, margin), ComparisonRow)


def leaders(comparisons: pd.DataFrame, not_compared: Collection[SummaryKey] = ()) -> dict[str, str]:
    """Return for each task the policy that is ahead of all others, if any.

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
            if (is_ahead(of_policy) & (of_policy["favours"] == policy)).all():
                leader_by_task[str(task)] = str(policy)
    return leader_by_task


def is_ahead(comparisons: pd.DataFrame) -> pd.Series[bool]:
    """Return for each comparison whether one of its policies is ahead of the other."""
    return comparisons["verdict"].isin([AHEAD, BEHIND])


def _with_verdicts(found: list[tuple[ComparisonRow, Pair | None]], margin: float) -> list[Any]:
    """Return the rows of a table with adjusted p-values, verdicts and seeds that would decide."""
    rows = _with_words([row for row, _ in found], margin)
    tested = sum(not np.isnan(row.p) for row in rows)
    for i, (row, (_, pair)) in enumerate(zip(rows, found, strict=True)):
        if pair and row.verdict == UNDECIDED:
            needed = seeds_to_decide(*pair, tested, margin)
            rows[i] = dataclasses.replace(row, seeds_to_decide=needed)
    return rows


def _with_words(rows: list[ComparisonRow], margin: float) -> list[ComparisonRow]:
    """Adjust the p-values of a table by Holm's method and say what each row shows."""
    rows = list(rows)
    tested = [i for i, row in enumerate(rows) if not np.isnan(row.p)]
    for i, p_holm in zip(tested, holm([rows[i].p for i in tested]), strict=True):
        row = rows[i]
        word, favours, within = verdict_of(row.low, row.high, float(p_holm), margin)
        policy = {1: row.policy_a, -1: row.policy_b}.get(favours, "")
        rows[i] = dataclasses.replace(
            row, p_holm=float(p_holm), verdict=word, favours=policy, within_margin=within
        )
    return rows


def _outcomes(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return the successes of one cell, indexed by (train_seed, episode_seed), sorted."""
    outcomes = rows.set_index(["train_seed", "episode_seed"])["success"]
    return outcomes.astype(bool).sort_index()


def _compare_pair(
    task: str, a: str, b: str, outcomes_a: pd.Series[bool], outcomes_b: pd.Series[bool]
) -> tuple[ComparisonRow, Pair | None]:
    """Compare two policies on their common training seeds and episode seeds."""
    common = outcomes_a.index.intersection(outcomes_b.index).sort_values()
    per_seed = common.to_frame().groupby(level="train_seed").size()
    seeds, episodes = len(per_seed), int(per_seed.min()) if len(per_seed) else 0
    nan = np.nan
    row = ComparisonRow(task, a, b, seeds, episodes, nan, nan, nan, nan, nan, test="", p=nan)
    if not seeds:
        return row, None
    on_a, on_b = outcomes_a.loc[common], outcomes_b.loc[common]
    if seeds == 1:
        exact = mcnemar_exact(on_a, on_b)
        both = int((on_a & on_b).sum())
        low, high = paired_interval(both, exact.b, exact.c, len(common) - both - exact.b - exact.c)
        difference = float(on_a.mean() - on_b.mean())
        row = dataclasses.replace(
            row, b=exact.b, c=exact.c, test="exact McNemar", p=exact.p, difference=difference,
            low=low, high=high,
        )  # fmt: skip
        return row, (of_checkpoint(on_a.sum(), episodes), of_checkpoint(on_b.sum(), episodes))
    # Seeds may have lost episodes: rates of all, as if each had as few as the fewest.
    means_a, means_b = (x.groupby(level="train_seed").mean() for x in (on_a, on_b))
    seeds_a, seeds_b = (seeds_of(means * episodes, episodes) for means in (means_a, means_b))
    found = difference_over_seeds(seeds_a, seeds_b)
    row = dataclasses.replace(
        row, test="interval over training seeds", p=found.p, difference=found.mean, low=found.low,
        high=found.high, seeds_disagree=bool(is_beyond_range(seeds_a) | is_beyond_range(seeds_b)),
    )  # fmt: skip
    return row, (seeds_a, seeds_b)
