"""Figure of success rates by what policies observe: a panel per task, a group per observation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fmbench.report.combined import Combined
from fmbench.report.figure_parts import (
    BROKEN_STYLE,
    REFERENCE_STYLES,
    broken_handles,
    reference_handles,
    seed_dots,
    seed_handles,
)
from fmbench.report.looks import Looks
from fmbench.report.observation.rows import ObservationRow
from fmbench.report.rendering import figure_file
from fmbench.storage.rows import REFERENCES, key_of

_PANEL_IN, _COLUMNS = (3.2, 2.7), 4


def render_observations(
    rows: Sequence[ObservationRow], combined: Combined, looks: Looks, file_format: str = "png"
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone."""
    return figure_file(
        lambda: _draw(rows, combined, looks),
        file_format,
        unfinished=combined.unfinished,
        caveats=combined.caveats,
    )


def _draw(rows: Sequence[ObservationRow], combined: Combined, looks: Looks) -> Figure:
    panels = list(dict.fromkeys((row.task, row.demos) for row in rows))
    columns = min(len(panels), _COLUMNS)
    lines = math.ceil(len(panels) / columns)
    width = max(_PANEL_IN[0] * columns, 5.0)
    figure = Figure(figsize=(width, 0.8 + _PANEL_IN[1] * lines), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    policies = sorted({r.policy for r in rows if r.policy not in REFERENCES}, key=looks.order)
    colours = looks.colours(policies)
    for axes, (task, demos) in zip(grid, panels, strict=False):
        of_panel = [row for row in rows if (row.task, row.demos) == (task, demos)]
        _panel(axes, of_panel, policies, colours, combined)
        data = f", {demos} demonstrations" if demos else ""
        axes.set(title=f"{task}{data}", ylim=(-0.03, 1.05))
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    handles = [
        Line2D([], [], color=colours[p], marker="o", linestyle="", label=looks.label(p))
        for p in policies
    ]
    handles += reference_handles({row.policy for row in rows})
    handles += seed_handles(row.seed_rates for row in rows)
    handles += broken_handles(combined.is_broken(key_of(row)) for row in rows)
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 6))
    figure.supylabel("success rate", fontsize=10)
    return figure


def _panel(
    axes: Axes,
    rows: Sequence[ObservationRow],
    policies: Sequence[str],
    colours: dict[str, str],
    combined: Combined,
) -> None:
    """Draw the policies of one task side by side for each observation."""
    observations = list(dict.fromkeys(row.observation for row in rows if row.observation))
    for row in rows:
        if row.policy in REFERENCES:
            axes.axhline(row.success_rate, **REFERENCE_STYLES[row.policy], zorder=1.5)
            continue
        shift = (policies.index(row.policy) - (len(policies) - 1) / 2) * 0.8 / len(policies)
        place = observations.index(row.observation) + shift
        if combined.is_broken(key_of(row)):
            axes.plot([place], [row.success_rate], **BROKEN_STYLE)
            continue
        error = np.array([[row.success_rate - row.low], [row.high - row.success_rate]])
        axes.errorbar(
            [place],
            [row.success_rate],
            yerr=np.maximum(error, 0.0),
            color=colours[row.policy],
            marker="o",
            markersize=5,
            elinewidth=1.2,
            linestyle="",
        )
        seed_dots(axes, place + 0.25 / len(policies), row.seed_rates, colours[row.policy])
    axes.set_xticks(range(len(observations)), observations, rotation=20, ha="right")
    axes.set_xlim(-0.6, len(observations) - 0.4)
