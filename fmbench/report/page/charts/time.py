"""Time to success: the share of episodes that have succeeded by a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.page.charts.chart import STEPS, Axis, Chart, Panel, Series, finite, numbers
from fmbench.report.page.charts.marks import look_of
from fmbench.report.page.charts.matrix import (
    REFERENCE_COLOURS,
    REFERENCE_DASHES,
    REFERENCE_NAMES,
    TaskPart,
    row_note,
)
from fmbench.report.row_texts import sampler_label
from fmbench.report.solved_by import SolvedBy, solved_by
from fmbench.report.times import Numbers
from fmbench.storage.rows import REFERENCES

TIMES = 41
"""Times at which a curve is written into the page, from 0 to the limit at equal distances."""


def time_chart(parts: Sequence[TaskPart]) -> Chart | None:
    """Return the figure; None if no episode has succeeded."""
    panels = tuple(panel for part in parts if (panel := _panel(part)))
    if not panels:
        return None
    return Chart(
        "time",
        "Time to success",
        "Share of episodes that have succeeded by a time, for every policy with its headline "
        "sampler; with several training seeds of all of their episodes. A failure counts as never: "
        "it is censored at the horizon, where the curve ends at the success rate. Curves are "
        f"written at {TIMES} times; at each, the 95 % interval is that of a success rate. "
        "Bands are drawn for at most five lines at once.",
        "Time [s]",
        "Share solved by then",
        panels,
        every=(TIMES - 1) // 4,
    )


def _panel(part: TaskPart) -> Panel | None:
    found: dict[SummaryKey, tuple[Numbers, SolvedBy]] = {}
    for _, results in part.runs:
        at, of_cells = solved_by(results, part.task, TIMES)
        for cell, solved in of_cells.items():
            found.setdefault(cell, (at, solved))
    if not found:
        return None
    rows = {row[: len(CELL)]: row for row in part.rows}
    cells = sorted(found, key=lambda c: (c.policy in REFERENCES, part.looks.order(c.policy)))
    series = [_series(cell, *found[cell], part, row_note(rows[cell])) for cell in cells]
    limit = max(float(at[-1]) for at, _ in found.values())
    return Panel(part.title, part.group, part.note, tuple(series), _axis(limit))


def _series(cell: SummaryKey, at: Numbers, solved: SolvedBy, part: TaskPart, note: str) -> Series:
    low, high = solved.bounds()
    is_reference = cell.policy in REFERENCES
    dash = REFERENCE_DASHES[cell.policy] if is_reference else look_of(cell.policy)
    return Series(
        REFERENCE_NAMES[cell.policy] if is_reference else part.looks.label(cell.policy),
        REFERENCE_COLOURS[cell.policy] if is_reference else part.colours[cell.policy],
        numbers(at, 3),
        numbers(solved.shares),
        finite(np.round(low, 3)),
        finite(np.round(high, 3)),
        (note if is_reference else f"{sampler_label(cell.sampler, cell.steps)}, {note}",),
        STEPS,
        (0, dash),
    )


def _axis(limit: float) -> Axis:
    step = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1e9) if limit / s <= 8)
    ticks = tuple(round(i * step, 3) for i in range(int(limit / step) + 1))
    return Axis(ticks, tuple(f"{t:g}" for t in ticks), (0.0, limit))
