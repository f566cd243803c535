"""What disturbances cost on the tasks of several runs, and what each policy keeps over all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fmbench.report.comparable import without_repeats
from fmbench.report.disturbances.retention import RetentionRow, retention_rows
from fmbench.report.disturbances.rows import (
    AllArms,
    Arms,
    DisturbanceRow,
    arms_of,
    broken_arms,
    disturbance_rows,
    disturbances_of,
)
from fmbench.report.outcomes import SummaryKey
from fmbench.report.results import Results


def disturbances_of_runs(
    runs: Sequence[Results],
) -> tuple[list[DisturbanceRow], list[RetentionRow]]:
    """Return the rows of every task of some runs, and those over all of their tasks.

    Raises:
        FmbenchError: Two runs have the same cell.
    """
    arms, broken = arms_of_runs(runs), frozenset(key for run in runs for key in broken_arms(run))
    rows = without_repeats(
        (row for run in runs for row in disturbance_rows(run, arms_of(run))),
        lambda row: f"{row.policy} on {row.task} with {row.perturb}",
    )
    return rows, retention_rows(arms, broken)


def arms_of_runs(runs: Sequence[Results]) -> AllArms:
    """Return both arms of every disturbed cell of all runs, by disturbance."""
    order = _merged([list(disturbances_of(run)) for run in runs])
    found: dict[tuple[SummaryKey, str], Arms] = {}
    for run in runs:
        found |= arms_of(run)
    return dict(sorted(found.items(), key=lambda item: order.index(item[0][1])))


def _merged(lists: Iterable[Sequence[str]]) -> list[str]:
    """Return the texts of several lists in an order that keeps that of each, where one does."""
    order: list[str] = []
    for texts in lists:
        place = 0
        for text in texts:
            if text not in order:
                order.insert(place, text)
            place = order.index(text) + 1
    return order
