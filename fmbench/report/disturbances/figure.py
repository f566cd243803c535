"""Heat map of what policies keep under disturbances: a panel per task, a row per policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from fmbench.report.disturbances.rows import EXPERT, DisturbanceRow, disturbances_of
from fmbench.report.figure_parts import WIDTH_IN
from fmbench.report.rendering import figure_file
from fmbench.report.results import Results

FIGURE = "disturbances"
_COLOURS = "cividis"
_CELL_IN = 0.34
_HEAD_IN = 1.25
_LEAST_IN, _SIDES_IN = 0.42, 2.0
"""Least width of a cell, and that of what stands beside the cells."""
_DARK = 0.45
"""Success rate below which the text of a cell is white."""


def render_disturbances(
    rows: Sequence[DisturbanceRow], results: Results, file_format: str = "png"
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone.

    The colour of a cell is the success rate with the disturbance. Its text is the retention, or the
    rate in brackets where the policy succeeds in less than half of the episodes without. Settings
    that break the expert have hatched cells; they rank nobody.
    """
    return figure_file(
        lambda: draw_heat_map(rows, results),
        file_format,
        results.is_smoke,
        results.unfinished,
        results.caveats,
    )


def draw_heat_map(rows: Sequence[DisturbanceRow], results: Results) -> Figure:
    """Draw the figure; see `render_disturbances`."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    by_task = {task: [row for row in rows if row.task == task] for task in tasks}
    heights = [len({row.policy for row in of_task}) * _CELL_IN for of_task in by_task.values()]
    settings = len({row.perturb for row in rows})
    size = (max(WIDTH_IN, _SIDES_IN + settings * _LEAST_IN), sum(heights) + _HEAD_IN * len(tasks))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(tasks), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (task, of_task) in zip(panels, by_task.items(), strict=True):
        _panel(axes, of_task, results)
        axes.set_title(task)
    image = panels[0].images[0]
    figure.colorbar(image, ax=list(panels), label="success rate", pad=0.01)
    return figure


def _panel(axes: Axes, rows: Sequence[DisturbanceRow], results: Results) -> None:
    """Draw the policies of one task, the expert last."""
    present = {row.perturb for row in rows}
    settings = [text for text in disturbances_of(results) if text in present]
    policies = sorted(
        {row.policy for row in rows}, key=lambda name: (name == EXPERT, results.looks.order(name))
    )
    rates = np.full((len(policies), len(settings)), np.nan)
    for row in rows:
        place = policies.index(row.policy), settings.index(row.perturb)
        rates[place] = row.disturbed_rate
        y, x = place
        kept = f"({row.disturbed_rate:.2f})" if row.retention is None else f"{row.retention:.2f}"
        colour = "white" if row.disturbed_rate < _DARK else "black"
        text = axes.text(x, y, kept, ha="center", va="center", color=colour, fontsize=7.5)
        if not row.ranks:
            edge = colormaps[_COLOURS](row.disturbed_rate)  # that of the cell, over its hatching
            text.set_path_effects([withStroke(linewidth=4.0, foreground=edge)])
            axes.fill_between(
                [x - 0.5, x + 0.5], y - 0.5, y + 0.5, facecolor="none", edgecolor="#888888",
                hatch="////", linewidth=0.0,
            )  # fmt: skip
    axes.imshow(rates, cmap=_COLOURS, vmin=0.0, vmax=1.0, aspect="auto")
    labels = [results.looks.label(name) for name in policies]
    axes.set_yticks(range(len(policies)), labels)
    axes.set_xticks(range(len(settings)), settings, rotation=35, ha="right")
    axes.grid(visible=False)
    axes.tick_params(length=0)
