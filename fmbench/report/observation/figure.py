"""Figure of success rates by what policies observe: a panel per task, a group per observation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmbench.report.combined import Combined
from fmbench.report.figure_parts import REFERENCE_STYLES, legend_with_room
from fmbench.report.looks import Looks
from fmbench.report.observation.rows import ObservationRow
from fmbench.report.points import draw_point, point_handles
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
        _panel(axes, of_panel, colours, combined)
        data = f", {demos} demonstrations" if demos else ""
        axes.set(title=f"{task}{data}", ylim=(-0.03, 1.05))
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    broken = (combined.is_broken(key_of(row)) for row in rows)
    handles = point_handles(rows, colours, looks, broken)
    legend_with_room(figure, handles, min(len(handles), 6))
    figure.supylabel("success rate", fontsize=10)
    return figure


def _panel(
    axes: Axes,
    rows: Sequence[ObservationRow],
    colours: dict[str, str],
    combined: Combined,
) -> None:
    """Draw the policies of one task side by side for each observation."""
    observations = list(dict.fromkeys(row.observation for row in rows if row.observation))
    for row in rows:
        if row.policy in REFERENCES:
            axes.axhline(row.success_rate, **REFERENCE_STYLES[row.policy], zorder=1.5)
            continue
        place = observations.index(row.observation)
        draw_point(axes, row, place, colours, combined.is_broken(key_of(row)))
    axes.set_xticks(range(len(observations)), observations, rotation=20, ha="right")
    axes.set_xlim(-0.6, len(observations) - 0.4)
