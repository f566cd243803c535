"""Figure of success over the delay of decisions: a panel per task, a line per policy.

Where too many lines would share a panel, every execution has one of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from fmbench.report.combined import Combined
from fmbench.report.delay.rows import DelayRow
from fmbench.report.delay.text import by_method, by_task, delay_caveats
from fmbench.report.figure_parts import (
    BROKEN_STYLE,
    REFERENCE_STYLES,
    WIDTH_IN,
    broken_handles,
    legend_above,
    panel_size,
    panels,
    reference_handles,
)
from fmbench.report.looks import Looks
from fmbench.report.rendering import figure_file
from fmbench.report.results import Results
from fmbench.report.shown import short_name
from fmbench.storage.rows import REFERENCES
from policies.catalogue import EXECUTIONS

_STYLES: tuple[dict[str, Any], ...] = (
    {"linestyle": "-", "marker": "o"},
    {"linestyle": (0, (4, 1.5)), "marker": "s"},
    {"linestyle": (0, (1, 1.2)), "marker": "^"},
    {"linestyle": (0, (5, 1.5, 1, 1.5)), "marker": "D"},
    {"linestyle": (0, (8, 2)), "marker": "v"},
    {"linestyle": (0, (3, 1.2, 1, 1.2, 1, 1.2)), "marker": "P"},
)
"""Looks of executions, in their order; further ones repeat them."""
_TICK_STYLE: dict[str, Any] = {
    "linestyle": "", "marker": "|", "markersize": 15, "markeredgewidth": 2.4, "zorder": 4,
}  # fmt: skip
_SPREAD = 0.5
"""Width over which the lines of one delay are spread, as a share of the least gap of delays."""
_MOST_LINEAR = 12
"""Largest delay that is drawn on a linear axis."""
_MOST_LINES = 12
"""Most lines in a panel that is as wide as the figure."""
_LEAST_GAP = 0.09
"""Least distance of two labels on the axis, as a share of its range."""


def render_delay(rows: Sequence[DelayRow], results: Results, file_format: str = "png") -> bytes:
    """Draw the figure of the headline samplers and return its file.

    Args:
        rows: All rows of the run.
        results: The run, which also gives the expert and random actions.
        file_format: `png`, `svg` or `pdf`.
    """
    return figure_file(
        lambda: draw_delay(rows, results.looks, references_of([results])),
        file_format,
        results.is_smoke,
        results.unfinished,
        (*results.caveats, *delay_caveats(results)),
    )


def render_delays(
    rows: Sequence[DelayRow],
    runs: Sequence[Results],
    combined: Combined,
    looks: Looks,
    file_format: str = "png",
) -> bytes:
    """Draw the figure of several runs and return its file.

    Args:
        rows: Rows of all runs.
        runs: The runs, for the expert and random actions.
        combined: Their caveats.
        looks: Labels, colours and order of their policies.
        file_format: `png`, `svg` or `pdf`.
    """
    delayed = [line for run in runs for line in delay_caveats(run)]
    return figure_file(
        lambda: draw_delay(rows, looks, references_of(runs)),
        file_format,
        any(run.is_smoke for run in runs),
        combined.unfinished,
        list(dict.fromkeys([*combined.caveats, *delayed])),
    )


def references_of(runs: Sequence[Results]) -> dict[str, dict[str, float]]:
    """Return the success rates of the expert and random actions on the tasks of some runs."""
    found: dict[str, dict[str, float]] = {}
    for run in runs:
        names = ("task", "policy", "success_rate")
        for task, policy, rate in zip(*(run.summary[name] for name in names), strict=True):
            if policy in REFERENCES:
                found.setdefault(task, {})[policy] = float(rate)
    return found


def draw_delay(
    rows: Sequence[DelayRow], looks: Looks, references: Mapping[str, Mapping[str, float]]
) -> Figure:
    """Draw success over delay; see `render_delay`.

    Args:
        rows: All rows.
        looks: Labels, colours and order of policies.
        references: Task to the success rates of the expert and random actions.
    """
    rows = [row for row in rows if row.headline]
    tasks = dict(by_task(rows))
    policies = sorted({row.policy for row in rows}, key=looks.order)
    colours = looks.colours(policies)
    styles = _styles(rows)
    scale = _Scale(sorted({row.delay for row in rows}))
    figure, placed = _panels(tasks, list(styles))
    has_columns = len(placed) > len(tasks)  # one for each execution, which its title names
    if has_columns:
        styles = dict.fromkeys(styles, _STYLES[0])
    for axes, task, of_panel in placed:
        for policy, rate in references.get(task, {}).items():  # they have no delay
            axes.axhline(rate, **REFERENCE_STYLES[policy], zorder=1.5)
        _panel(axes, of_panel, colours, styles, scale)
        axes.set_ylim(-0.03, 1.05)
    handles = [
        Line2D([], [], color=colours[policy], label=looks.label(policy)) for policy in policies
    ]
    handles += [
        Line2D([], [], color="#555555", markersize=5, label=name, **style)
        for name, style in styles.items()
        if not has_columns
    ]
    if any(row.latency_delay for row in rows):
        label = "delay of its latency"
        handles.append(Line2D([], [], color="#555555", label=label, **_TICK_STYLE))
    handles += reference_handles({name for of_task in references.values() for name in of_task})
    handles += broken_handles(row.low is None for row in rows)
    legend_above(figure, handles)
    figure.supxlabel("delay [control steps]", fontsize=10)
    figure.supylabel("success rate", fontsize=10)
    return figure


def _panels(
    tasks: dict[str, list[DelayRow]], executions: Sequence[str]
) -> tuple[Figure, list[tuple[Axes, str, list[DelayRow]]]]:
    """Return a figure, and its panels with the task and the rows of each.

    Args:
        tasks: Tasks with their rows.
        executions: All executions.
    """
    lines = max(len({row.method for row in rows}) for rows in tasks.values())
    if len(executions) == 1 or lines <= _MOST_LINES // min(len(tasks), 3):
        figure = Figure(figsize=panel_size(len(tasks)))
        placed = list(panels(figure, list(tasks), share_y=True))
        for axes, task in placed:
            axes.set_title(short_name(task))
        return figure, [(axes, task, tasks[task]) for axes, task in placed]
    figure = Figure(figsize=(WIDTH_IN, 1.0 + 1.9 * len(tasks)))
    grid = figure.subplots(len(tasks), len(executions), squeeze=False, sharey=True, sharex=True)
    for axes, execution in zip(grid[0], executions, strict=True):
        axes.set_title(execution)
    for axes, task in zip(grid[:, 0], tasks, strict=True):
        axes.set_ylabel(short_name(task))
    return figure, [
        (grid[i, j], task, [row for row in tasks[task] if row.execution == execution])
        for i, task in enumerate(tasks)
        for j, execution in enumerate(executions)
    ]


def _styles(rows: Sequence[DelayRow]) -> dict[str, dict[str, Any]]:
    """Return the look of every execution, which does not depend on the others of the run."""
    present = {row.execution for row in rows}
    names = [*EXECUTIONS, *sorted(present - set(EXECUTIONS))]
    return {
        name: _STYLES[place % len(_STYLES)] for place, name in enumerate(names) if name in present
    }


class _Scale:
    """Places of delays on the axis: the delays themselves, or logarithms if some are large."""

    def __init__(self, delays: Sequence[int]) -> None:
        self.delays = delays
        self._is_linear = max(delays) <= _MOST_LINEAR
        places = [self.place(delay) for delay in delays]
        self.range = (places[0], places[-1])
        self.gap = float(np.min(np.diff(places))) if len(places) > 1 else 1.0

    def place(self, delay: int) -> float:
        """Return the place of a delay."""
        return float(delay) if self._is_linear else float(np.log2(1 + delay))

    def label(self, axes: Axes) -> None:
        """Label the axis by delays, without those that are too near the one before."""
        least = _LEAST_GAP * (self.range[1] - self.range[0])
        shown: list[int] = []
        for delay in self.delays:
            if not shown or self.place(delay) - self.place(shown[-1]) >= least:
                shown.append(delay)
        axes.xaxis.set_major_locator(FixedLocator([self.place(delay) for delay in shown]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FixedFormatter([str(delay) for delay in shown]))
        axes.set_xlim(self.range[0] - 0.6 * self.gap, self.range[1] + 0.6 * self.gap)


def _panel(
    axes: Axes,
    rows: Sequence[DelayRow],
    colours: dict[str, str],
    styles: dict[str, dict[str, Any]],
    scale: _Scale,
) -> None:
    """Draw the policies of one task."""
    scale.label(axes)
    methods = by_method(rows)
    for lane, method in enumerate(methods):
        shift = _SPREAD * scale.gap * ((lane + 0.5) / len(methods) - 0.5)
        row = next(iter(method.values()))
        points = [method[delay] for delay in sorted(method)]
        sound = [point for point in points if point.low is not None]
        for point in points:
            if point not in sound:
                place = scale.place(point.delay) + shift
                axes.plot([place], [point.success_rate], **BROKEN_STYLE)
        if not sound:
            continue
        places = [scale.place(point.delay) + shift for point in sound]
        rates = [point.success_rate for point in sound]
        sides = np.array([[p.low for p in sound], [p.high for p in sound]], dtype=float)
        axes.errorbar(
            places,
            rates,
            yerr=np.abs(sides - rates),
            color=colours[row.policy],
            markersize=4,
            linewidth=1.5,
            elinewidth=0.8,
            **styles[row.execution],
        )
        if row.latency_delay:
            at = scale.place(row.latency_delay) + shift
            if places[0] <= at <= places[-1]:
                rate = np.interp(at, places, rates)
                axes.plot([at], [rate], color=colours[row.policy], **_TICK_STYLE)
