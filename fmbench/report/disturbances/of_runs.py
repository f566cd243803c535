"""What disturbances cost on the tasks of several runs, and what each policy keeps over all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fmbench.report.comparable import without_repeats
from fmbench.report.disturbances.retention import RetentionRow, retention_rows
from fmbench.report.disturbances.rows import (
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
    order = _merged([list(disturbances_of(run)) for run in runs])
    found: dict[tuple[SummaryKey, str], Arms] = {}
    rows: list[DisturbanceRow] = []
    broken: set[tuple[SummaryKey, str]] = set()
    for run in runs:
        arms = arms_of(run)
        found |= arms
        rows += disturbance_rows(run, arms)
        broken |= broken_arms(run)
    rows = without_repeats(rows, lambda row: f"{row.policy} on {row.task} with {row.perturb}")
    sorted_arms = dict(sorted(found.items(), key=lambda item: order.index(item[0][1])))
    return rows, retention_rows(sorted_arms, frozenset(broken))


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
