"""Comparisons of two conditions under which the same checkpoints act on the same episodes.

One training seed: exact McNemar test and Newcombe's paired interval, as of two checkpoints.
Several: `fmbench.report.over_changes`, which uses that each seed is its own pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fmbench.report.outcomes import Outcomes, SummaryKey
from fmbench.report.over_changes import Changes, change_over_seeds, changes_of
from fmbench.report.statistics import holm, mcnemar_exact, paired_interval


class Change(NamedTuple):
    """What a condition changes: success rate of the cell minus that of the plain one."""

    difference: float
    low: float
    """Lower bound of its 95 % interval."""
    high: float
    p: float
    p_holm: float
    """p adjusted over the table."""


Solved = NDArray[np.bool_]
Pairs = list[tuple[Solved, Solved]]
"""Of every training seed, which common episodes a cell solved, and which the plain one did."""


def compare_conditions(
    outcomes: Outcomes, pairs: Sequence[tuple[SummaryKey, SummaryKey]]
) -> list[Change | None]:
    """Compare cells with plain ones of the same checkpoints, in a table of their own.

    Args:
        outcomes: All outcomes.
        pairs: The cell and the plain one of each comparison; Holm's adjustment is over these.

    Returns:
        What each comparison found; None where the two have no training seed in common.
    """
    found: list[Change | None] = [None] * len(pairs)
    several: dict[tuple[int, int], list[tuple[int, Changes]]] = {}
    for place, (cell, plain) in enumerate(pairs):
        solved = _by_seed(outcomes, cell, plain)
        if len(solved) == 1:
            found[place] = _of_checkpoint(*solved[0])
        elif solved:
            changes = changes_of_pairs(solved)
            several.setdefault((changes.seeds, changes.episodes), []).append((place, changes))
    for (seeds, episodes), alike in several.items():  # all pairs of a design at once
        gained, lost, spread = np.array([changes[:3] for _, changes in alike]).T
        numbers = change_over_seeds(Changes(gained, lost, spread, seeds, episodes))
        for (place, _), (change, low, high, p) in zip(
            alike, zip(*numbers, strict=True), strict=True
        ):
            found[place] = Change(float(change), float(low), float(high), float(p), np.nan)
    return _adjusted(found)


def changes_of_pairs(pairs: Pairs) -> Changes:
    """Return what several training seeds say of two conditions.

    Seeds may have lost episodes: their shares count as if each had as few as the fewest.
    """
    fewest = min(len(plain) for _, plain in pairs)
    gained, lost = (
        [fewest * np.mean(one & ~other) for one, other in ordered]
        for ordered in (pairs, [pair[::-1] for pair in pairs])
    )
    return changes_of(gained, lost, fewest)


def _by_seed(outcomes: Outcomes, cell: SummaryKey, plain: SummaryKey) -> Pairs:
    """Return the outcomes of both on the common episodes of each common training seed."""
    a, b = (outcomes.solved[key] for key in (cell, plain))
    ranks, of_a, of_b = np.intersect1d(
        a.episodes, b.episodes, assume_unique=True, return_indices=True
    )
    seeds = outcomes.train_seeds[ranks]
    ends = np.flatnonzero(np.diff(seeds)) + 1
    if not len(ranks):
        return []
    parts = (np.split(values, ends) for values in (a.success[of_a], b.success[of_b]))
    return list(zip(*parts, strict=True))


def _of_checkpoint(on_cell: Solved, on_plain: Solved) -> Change:
    exact = mcnemar_exact(on_cell, on_plain)
    both = int((on_cell & on_plain).sum())
    neither = len(on_cell) - both - exact.b - exact.c
    low, high = paired_interval(both, exact.b, exact.c, neither)
    difference = float(on_cell.mean() - on_plain.mean())
    return Change(difference, low, high, exact.p, p_holm=np.nan)


def _adjusted(found: list[Change | None]) -> list[Change | None]:
    adjusted = iter(holm([change.p for change in found if change]))
    return [change and change._replace(p_holm=float(next(adjusted))) for change in found]
