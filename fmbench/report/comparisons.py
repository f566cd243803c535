"""Pairwise comparisons of the policies of a task, on the same episodes.

Policies are compared at their headline configurations only. The expert and random actions are
references and are not compared. A comparison reduces outcomes to counts, takes interval and p-value
from `fmbench.report.statistics` (two checkpoints) or `fmbench.report.over_seeds` (two methods), and
its word from `fmbench.report.verdicts`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmbench.report.caveats import broken_cells
from fmbench.report.looks import OF_CATALOGUE, Looks
from fmbench.report.outcomes import Outcomes, Solved, SummaryKey, outcomes_of
from fmbench.report.over_seeds import Seeds, difference_over_seeds, is_beyond_range, seeds_of
from fmbench.report.power import of_checkpoint, seeds_to_decide
from fmbench.report.statistics import holm, mcnemar_exact, paired_interval
from fmbench.report.summary import frame, headline_configurations
from fmbench.report.verdicts import (
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
    episodes: pd.DataFrame | Outcomes,
    measurements: pd.DataFrame,
    looks: Looks = OF_CATALOGUE,
    margin: float = MARGIN,
) -> pd.DataFrame:
    """Compare every pair of learned policies of a task at their headline configurations.

    One common training seed: exact McNemar test on the common episode seeds, and Newcombe's paired
    interval of the difference. Several: `difference_over_seeds`. The p-values of the table are
    Holm-adjusted. A policy whose headline is a broken cell is compared with none.

    Args:
        episodes: Frame of `EpisodeRow`, or what it was reduced to.
        measurements: Frame of `MeasurementRow`; may be empty.
        looks: Defines the order of the policies.
        margin: Largest difference of success rates that does not matter, in (0, 1).

    Returns:
        Frame of `ComparisonRow`.
    """
    outcomes = outcomes_of(episodes)
    headline = headline_configurations(outcomes, measurements)
    cells = [SummaryKey(*pair, *configuration) for pair, configuration in headline.items()]
    broken = broken_cells(outcomes)
    compared = [cell for cell in cells if cell.policy not in REFERENCES and cell not in broken]
    pairs: list[tuple[SummaryKey, SummaryKey]] = []
    for task in outcomes.tasks:
        of_task = sorted(
            (c for c in compared if c.task == task), key=lambda c: looks.order(c.policy)
        )
        pairs += itertools.combinations(of_task, 2)
    return frame(compare_cells(outcomes, pairs, margin), ComparisonRow)


def compare_cells(
    outcomes: Outcomes, pairs: Iterable[tuple[SummaryKey, SummaryKey]], margin: float = MARGIN
) -> list[ComparisonRow]:
    """Compare cells of a task in pairs, in a table of their own; see `compare`.

    Args:
        outcomes: All outcomes.
        pairs: The two cells of each comparison.
        margin: As in `compare`; Holm's adjustment is over these pairs.
    """
    found = [_compare_pair(outcomes, (a.policy, b.policy), (a, b)) for a, b in pairs]
    return _with_verdicts(found, margin)


def compare_at_equal_nfe(
    episodes: pd.DataFrame | Outcomes,
    a: tuple[str, str] = ("flow", "euler"),
    b: tuple[str, str] = ("diffusion", "ddim"),
    margin: float = MARGIN,
) -> pd.DataFrame:
    """Compare two policies, each with one sampler, at every number of steps that both used.

    Args:
        episodes: Frame of `EpisodeRow`, or what it was reduced to.
        a: Policy and sampler, with one evaluation per step.
        b: The other policy and sampler, likewise.
        margin: As in `compare`; Holm's adjustment is over the table.

    Returns:
        Frame of `ComparisonRow`; each policy name includes the number of evaluations.
    """
    found = []
    outcomes = outcomes_of(episodes)
    broken = broken_cells(outcomes)
    for task in outcomes.tasks:
        steps_a, steps_b = (
            {cell.steps for cell in outcomes.solved if cell[:3] == (task, *pair)} for pair in (a, b)
        )
        for steps in sorted(steps_a & steps_b):
            cells = SummaryKey(task, *a, steps), SummaryKey(task, *b, steps)
            if broken.isdisjoint(cells):
                names = f"{a[0]} at {steps}", f"{b[0]} at {steps}"
                found.append(_compare_pair(outcomes, names, cells))
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


def _with_verdicts(
    found: list[tuple[ComparisonRow, Pair | None]], margin: float
) -> list[ComparisonRow]:
    """Return the rows of a table with adjusted p-values, verdicts and seeds that would decide."""
    rows = [row for row, _ in found]
    pairs = {place: pair for place, (_, pair) in enumerate(found) if pair}
    for places, a, b in _alike(pairs):
        if a.seeds > 1:
            for place, changes in zip(places, _over_seeds(a, b), strict=True):
                rows[place] = dataclasses.replace(rows[place], **changes)
    rows = _with_words(rows, margin)
    tested = sum(not np.isnan(row.p) for row in rows)
    undecided = {i: pair for i, pair in pairs.items() if rows[i].verdict == UNDECIDED}
    for places, a, b in _alike(undecided):
        needed = seeds_to_decide(a, b, tested, margin).tolist()
        for place, seeds in zip(places, needed, strict=True):
            rows[place] = dataclasses.replace(rows[place], seeds_to_decide=seeds)
    return rows


def _alike(pairs: Mapping[int, Pair]) -> Iterator[tuple[list[int], Seeds, Seeds]]:
    """Yield all pairs with equally many seeds and episodes together, with their places."""
    designs: dict[tuple[int, int], list[int]] = {}
    for place, (a, _) in pairs.items():
        designs.setdefault((a.seeds, a.episodes), []).append(place)
    for design, places in designs.items():
        a, b = (
            Seeds(
                np.array([pairs[place][side].rate for place in places]),
                np.array([pairs[place][side].dispersion for place in places]),
                *design,
            )
            for side in (0, 1)
        )
        yield places, a, b


def _over_seeds(a: Seeds, b: Seeds) -> Iterator[dict[str, Any]]:
    """Yield what the training seeds of each pair of methods say of their difference."""
    found = difference_over_seeds(a, b)
    disagree = is_beyond_range(a) | is_beyond_range(b)
    for difference, low, high, p, by_far in zip(*found, disagree, strict=True):
        yield {
            "difference": float(difference),
            "low": float(low),
            "high": float(high),
            "p": float(p),
            "seeds_disagree": bool(by_far),
        }


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


def _compare_pair(
    outcomes: Outcomes, names: tuple[str, str], cells: tuple[SummaryKey, SummaryKey]
) -> tuple[ComparisonRow, Pair | None]:
    """Compare two policies on their common training seeds and episode seeds.

    The numbers of methods are left to `_over_seeds`, which computes those of many pairs at once.

    Args:
        outcomes: All outcomes.
        names: The names of the policies in the table.
        cells: Their cells.
    """
    ranks, on_a, on_b = _common(*(outcomes.solved[cell] for cell in cells))
    train_seeds = outcomes.train_seeds[ranks]
    starts = np.flatnonzero(np.diff(train_seeds, prepend=-2))
    per_seed = np.diff(starts, append=len(ranks))
    seeds, episodes = len(starts), int(per_seed.min()) if len(starts) else 0
    nan = np.nan
    row = ComparisonRow(
        cells[0].task, *names, seeds, episodes, nan, nan, nan, nan, nan, test="", p=nan
    )
    if not seeds:
        return row, None
    if seeds == 1:
        exact = mcnemar_exact(on_a, on_b)
        both = int((on_a & on_b).sum())
        low, high = paired_interval(both, exact.b, exact.c, len(ranks) - both - exact.b - exact.c)
        difference = float(on_a.mean() - on_b.mean())
        row = dataclasses.replace(
            row, b=exact.b, c=exact.c, test="exact McNemar", p=exact.p, difference=difference,
            low=low, high=high,
        )  # fmt: skip
        return row, (of_checkpoint(on_a.sum(), episodes), of_checkpoint(on_b.sum(), episodes))
    # Seeds may have lost episodes: rates of all, as if each had as few as the fewest.
    means = (np.add.reduceat(solved.astype(int), starts) / per_seed for solved in (on_a, on_b))
    seeds_a, seeds_b = (seeds_of(rates * episodes, episodes) for rates in means)
    return dataclasses.replace(row, test="interval over training seeds"), (seeds_a, seeds_b)


def _common(a: Solved, b: Solved) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the common episodes of two cells, and which of them each solved."""
    if np.array_equal(a.episodes, b.episodes):
        return a.episodes, a.success, b.success
    ranks, of_a, of_b = np.intersect1d(
        a.episodes, b.episodes, assume_unique=True, return_indices=True
    )
    return ranks, a.success[of_a], b.success[of_b]
