"""Success against network evaluations per chunk."""

from __future__ import annotations

from collections.abc import Sequence

from fmbench.report.nfe_lines import NfeLine, lines_over_nfe
from fmbench.report.page.charts.chart import (
    LINE,
    Axis,
    Chart,
    Panel,
    Series,
    finite,
    level,
    numbers,
)
from fmbench.report.page.charts.marks import look_of
from fmbench.report.page.charts.matrix import (
    TaskPart,
    reference_levels,
    row_note,
)

_WIDEST = 1.4
"""Largest factor between points of one number, so that none seems to have the next."""
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def nfe_chart(parts: Sequence[TaskPart]) -> Chart | None:
    """Return the figure; None if no run has evaluated a network or another policy."""
    panels = tuple(panel for part in parts if (panel := _panel(part)))
    if not panels:
        return None
    return Chart(
        "nfe",
        "Success against network evaluations",
        "Success rate of every policy and sampler over the number of network evaluations (NFE) per "
        "action chunk, with its 95 % interval. Points of one number are shifted a little so that "
        "their intervals can be read. A policy that evaluates no network, the expert and random "
        "actions are horizontal lines. That one interval lies above another is a hint, not a test.",
        "NFE per chunk",
        "Success rate",
        panels,
    )


def _panel(part: TaskPart) -> Panel | None:
    found = lines_over_nfe(part.rows, part.looks.order, _WIDEST)
    if not (found.lines or found.levels):
        return None
    axis = _axis(max((line.rows[-1].nfe for line in found.lines), default=1.0))
    series = [_series(line, part) for line in found.lines]
    series += [
        level(
            f"{part.looks.label(row.policy)}, no network",
            part.colours[row.policy],
            axis,
            row,
            row_note(row),
            3,
        )
        for row in found.levels
    ]
    series += reference_levels(found.references, axis)
    return Panel(part.title, part.group, part.note, tuple(series), axis)


def _series(line: NfeLine, part: TaskPart) -> Series:
    rows = line.rows
    return Series(
        ", ".join(filter(None, (part.looks.label(line.policy), line.sampler))),
        part.colours[line.policy],
        numbers((row.nfe * line.shift for row in rows), 4),
        numbers(row.success_rate for row in rows),
        finite(row.low for row in rows),
        finite(row.high for row in rows),
        tuple(map(row_note, rows)),
        LINE,
        (look_of(line.policy), line.place),
        numbers((row.nfe for row in rows), 4),
        tuple(place for place, broken in enumerate(row.broken for row in rows) if broken),
    )


def _axis(most: float) -> Axis:
    ticks = tuple(float(t) for t in _TICKS if t <= max(1.3 * most, 2))
    return Axis(ticks, tuple(f"{t:g}" for t in ticks), (0.75, 1.35 * max(most, 2)), is_log=True)
