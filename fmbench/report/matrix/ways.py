"""Figure of how policies with one network evaluation treat several ways: averaged, one, or all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fmbench.report.combined import Combined
from fmbench.report.figure_parts import legend_within, panel_size, panels
from fmbench.report.looks import OF_CATALOGUE, Looks, backbone_order
from fmbench.report.matrix.figure import BACKBONE_MARKERS
from fmbench.report.matrix.rows import MatrixRow
from fmbench.report.rendering import figure_file
from fmbench.report.shown import short_name

_LANE, _MOST = 0.03, 0.98
"""Height of a lane, as a share, and the largest bridge rate of a row that is not in one."""
_EXPERT: dict[str, Any] = {
    "color": "#444444", "marker": "*", "markersize": 11, "linestyle": "", "zorder": 1.5,
}  # fmt: skip


def one_evaluation(rows: Iterable[MatrixRow]) -> list[MatrixRow]:
    """Return the rows with a bridge rate and one network evaluation per chunk."""
    return [row for row in rows if row.bridge_rate is not None and row.nfe == 1]


def render_ways(
    rows: Sequence[MatrixRow],
    combined: Combined,
    looks: Looks = OF_CATALOGUE,
    file_format: str = "png",
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone.

    Each task with bridge rates has a panel. A sample is on a way of the expert or between them
    (horizontal axis); of those on a way, some are on the rarer one (vertical axis). Top left a
    policy keeps all ways, bottom left it has chosen one for each observation, right it averages.
    Where hardly a sample is on a way, its share says nothing: those are drawn in lanes below.

    Args:
        rows: At least one row of `one_evaluation`.
        combined: Caveats of the runs.
        looks: Names and colours of the policies.
        file_format: `png`, `svg` or `pdf`.
    """
    return figure_file(
        lambda: draw_ways(rows, looks),
        file_format,
        unfinished=combined.unfinished,
        caveats=combined.caveats,
    )


def draw_ways(rows: Sequence[MatrixRow], looks: Looks) -> Figure:
    """Draw the figure of `render_ways`."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    policies = sorted({row.policy for row in rows}, key=looks.order)
    colours = looks.colours(policies)
    width, height = panel_size(len(tasks))
    figure = Figure(figsize=(width, height + 1.1))
    part = figure.subfigures(squeeze=False)[0, 0]  # below the figure itself stand caveats
    for axes, task in panels(part, tasks, share_y=True):
        _panel(axes, [row for row in rows if row.task == task], colours)
        axes.set(title=short_name(task), xlim=(-0.04, 1.04), yticks=np.linspace(0, 0.5, 6))
    axes.set_ylim(_lanes(rows)[-1] - _LANE, 0.53)
    handles = [
        Line2D([], [], color=colours[p], marker="o", linestyle="", label=looks.label(p))
        for p in policies
    ]
    handles += [
        Line2D([], [], color="#444444", linestyle="", marker=BACKBONE_MARKERS.get(b, "o"), label=b)
        for b in sorted({row.backbone for row in rows}, key=backbone_order)
    ]
    handles.append(Line2D([], [], label="demonstrations", **_EXPERT))
    legend_within(part, handles, -(-len(handles) // 3))
    part.supxlabel("bridge rate: share of samples on no way", fontsize=10)
    part.supylabel("share of the rarest way", fontsize=10)
    return figure


def _lanes(rows: Sequence[MatrixRow]) -> list[float]:
    """Return the places of the lanes below the axis; one for each row that a task can have."""
    names = dict.fromkeys((row.backbone, row.policy) for row in rows if _averages(row))
    return [-_LANE * (place + 1.5) for place in range(max(len(names), 1))]


def _averages(row: MatrixRow) -> bool:
    return row.minor_way is None or float(row.bridge_rate or 0) > _MOST


def _panel(axes: Axes, rows: Sequence[MatrixRow], colours: dict[str, str]) -> None:
    lanes = iter(_lanes(rows))
    for row in rows:
        rate, low, high = (float(getattr(row, f"bridge_{n}") or 0) for n in ("rate", "low", "high"))
        axes.errorbar(
            rate,
            next(lanes) if _averages(row) else float(row.minor_way or 0),
            xerr=np.maximum([[rate - low], [high - rate]], 0.0),
            color=colours[row.policy],
            marker=BACKBONE_MARKERS.get(row.backbone, "o"),
            markeredgecolor="white",
            markeredgewidth=0.6,
            elinewidth=0.8,
            clip_on=False,
        )
    if any(map(_averages, rows)):
        axes.axhspan(-1, -_LANE / 2, color="#EEEEEE", zorder=0)
        axes.text(0, -1.5 * _LANE, f"less than {1 - _MOST:.0%} on a way", fontsize=8, va="center")
    if expert := [row.expert_bridge_rate for row in rows if row.expert_bridge_rate is not None]:
        axes.plot(expert[0], 0.5, **_EXPERT)
