"""Rows of several runs with delays, of one table."""

from __future__ import annotations

from collections.abc import Sequence

from fmbench.report.comparable import without_repeats
from fmbench.report.delay.rows import DelayRow, delay_rows
from fmbench.report.results import Results
from fmbench.storage.rows import HOLD


def stated_rows(results: Sequence[Results]) -> list[DelayRow]:
    """Return the rows of some runs with the executions that each of them states, tasks first.

    Every run has plain cells; those of a run for other executions, whose policies may have been
    trained otherwise, are left out.

    Raises:
        FmbenchError: Two runs have the same cell.
    """
    rows = without_repeats(
        (
            row
            for run in results
            for row in delay_rows(run)
            if row.execution in run.run.config.get("execution", [HOLD])
        ),
        lambda row: f"{row.policy} on {row.task}, {row.execution} with delay {row.delay}",
    )
    tasks = list(dict.fromkeys(row.task for row in rows))
    return sorted(rows, key=lambda row: tasks.index(row.task))
