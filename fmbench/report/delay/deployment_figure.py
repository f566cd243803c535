"""Figure of success at each policy's own latency: a panel per task, a point per policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from fmbench.report.combined import Combined
from fmbench.report.delay.deployment import DeploymentRow
from fmbench.report.figure_parts import (
    BROKEN_STYLE,
    WIDTH_IN,
    broken_handles,
    legend_above,
    panel_size,
    panels,
)
from fmbench.report.looks import Looks
from fmbench.report.rendering import figure_file
from fmbench.report.shown import short_name

_MARGIN = 1.6
"""Factor between the outermost latencies and the sides of a panel."""
_MOST_BANDS = 6
"""Most control periods that have a band each."""


def render_deployment(
    rows: Sequence[DeploymentRow],
    combined: Combined,
    looks: Looks,
    is_smoke: bool,
    file_format: str = "png",
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone.

    A filled mark is the success rate at the delay that the latency means, with its interval; a
    hollow one that without delay. The number beside it counts network evaluations. Bands are
    delays: one for each control period.
    """
    return figure_file(
        lambda: draw_deployment(rows, looks),
        file_format,
        is_smoke,
        combined.unfinished,
        combined.caveats,
    )


def draw_deployment(rows: Sequence[DeploymentRow], looks: Looks) -> Figure:
    """Draw the figure; see `render_deployment`."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    policies = sorted({row.policy for row in rows}, key=looks.order)
    colours = looks.colours(policies)
    shown = [ms for row in rows for ms in (row.latency_ms, row.control_period_ms)]
    sides = (min(shown) / _MARGIN, max(shown) * _MARGIN)
    height = panel_size(len(tasks))[1]
    figure = Figure(figsize=(WIDTH_IN, height + 0.2), layout="constrained")
    for axes, task in panels(figure, tasks, share_y=True):
        of_task = [row for row in rows if row.task == task]
        axes.set_xscale("log")
        axes.set(title=short_name(task), xlim=sides, ylim=(-0.03, 1.1))
        _bands(axes, of_task[0].control_period_ms, sides)
        for row in of_task:
            _point(axes, row, colours[row.policy])
        axes.xaxis.set_major_locator(LogLocator(10))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_yticks(np.linspace(0, 1, 6))
    legend_above(figure, _handles(rows, policies, colours, looks))
    figure.supxlabel("latency of a decision, 95th percentile [ms]", fontsize=10)
    figure.supylabel("success rate", fontsize=10)
    return figure


def _bands(axes: Axes, period_ms: float, sides: tuple[float, float]) -> None:
    """Draw the control period, and the delays that latencies above it mean."""
    axes.axvline(period_ms, color="#444444", linestyle=(0, (4, 2)), linewidth=1.2, zorder=1)
    for k in range(_MOST_BANDS):
        low, high = max(k * period_ms, sides[0]), min((k + 1) * period_ms, sides[1])
        if low >= high:
            continue
        if k % 2:
            axes.axvspan(low, high, color="#EFEFEF", zorder=0)
        if np.log(high / low) > 0.1 * np.log(sides[1] / sides[0]):
            text = f"delay {k + 1}" if not k else str(k + 1)
            axes.text(
                np.sqrt(low * high), 1.05, text, ha="center", va="center", fontsize=7,
                color="#444444",
            )  # fmt: skip


def _point(axes: Axes, row: DeploymentRow, colour: str) -> None:
    """Draw one policy with one sampler."""
    x = row.latency_ms
    if row.low is None or row.high is None:
        axes.plot([x], [row.success_rate], **BROKEN_STYLE)
        return
    axes.plot([x, x], [row.plain_rate, row.success_rate], color=colour, linewidth=1.2, alpha=0.6)
    axes.plot(
        [x], [row.plain_rate], color=colour, marker="o", markerfacecolor="white", markersize=5.5,
        linestyle="", zorder=3,
    )  # fmt: skip
    sides = np.array([[row.success_rate - row.low], [row.high - row.success_rate]])
    axes.errorbar(
        [x], [row.success_rate], yerr=np.maximum(sides, 0.0), color=colour, marker="o",
        markersize=5.5, elinewidth=1.0, linestyle="", zorder=4,
    )  # fmt: skip
    axes.annotate(
        f"{row.nfe:.3g}", (x, row.success_rate), (5, -1), textcoords="offset points", fontsize=6.5,
        color=colour, va="top",
    )  # fmt: skip


def _handles(
    rows: Sequence[DeploymentRow], policies: Sequence[str], colours: dict[str, str], looks: Looks
) -> list[Line2D]:
    """Return the entries of the legend."""
    point = {"marker": "o", "linestyle": "", "markersize": 5.5}
    handles = [
        Line2D([], [], color=colours[name], label=looks.label(name), **point)  # type: ignore[arg-type]
        for name in policies
    ]
    grey = "#555555"
    handles += [
        Line2D([], [], color=grey, label="at its own delay (number: NFE)", **point),  # type: ignore[arg-type]
        Line2D([], [], color=grey, label="without delay", markerfacecolor="white", **point),  # type: ignore[arg-type]
        Line2D([], [], color="#444444", linestyle=(0, (4, 2)), label="control period"),
    ]
    return handles + broken_handles(row.low is None for row in rows)
