"""Figure of a comparison of hands: the rank correlation of every two, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmbench.report.across_hands.table import AcrossHandsRow
from fmbench.report.across_hands.text import pair_name
from fmbench.report.figure_parts import legend_within
from fmbench.report.rendering import figure_file

_WIDTH_IN, _LANE_IN, _FRAME_IN = 7.0, 0.55, 1.5
_MEAN_COLOUR = "#222222"
_TASK_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999933")
_SPREAD = 0.6
"""Height that the marks of one pair of hands take of its lane."""


def render_across_hands(
    rows: Sequence[AcrossHandsRow],
    caveats: Sequence[str] = (),
    is_smoke: bool = False,
    file_format: str = "png",
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone.

    Every network has a panel, every two hands a lane in it: the mean of the tasks, and each task.

    Args:
        rows: At least one pair's.
        caveats: Lines below the figure.
        is_smoke: Whether the numbers only test the software.
        file_format: `png`, `svg` or `pdf`.
    """
    return figure_file(lambda: draw_across_hands(rows), file_format, is_smoke, caveats=caveats)


def draw_across_hands(rows: Sequence[AcrossHandsRow]) -> Figure:
    """Draw the figure of `render_across_hands`."""
    backbones = list(dict.fromkeys(row.backbone for row in rows))
    names = list(dict.fromkeys(row.task for row in rows))  # the mean is ""
    lanes = [
        list(dict.fromkeys(pair_name(row) for row in rows if row.backbone == backbone))
        for backbone in backbones
    ]
    heights = [_LANE_IN * len(pairs) + 0.5 for pairs in lanes]
    figure = Figure(figsize=(_WIDTH_IN, sum(heights) + _FRAME_IN))
    part = figure.subfigures(squeeze=False)[0, 0]  # below the figure itself stand caveats
    grid = part.subplots(len(backbones), 1, squeeze=False, height_ratios=heights, sharex=True)
    for axes, backbone, pairs in zip(grid[:, 0], backbones, lanes, strict=True):
        of_backbone = [row for row in rows if row.backbone == backbone]
        _panel(axes, of_backbone, pairs, names)
        axes.set(title=backbone, xlim=(-1.04, 1.04))
    grid[-1, 0].set_xlabel("Kendall's tau of the policies' success rates")
    handles = [grid[0, 0].plot([], [], label=name or "mean of the tasks", **_look(names, name))[0]
               for name in names]  # fmt: skip
    legend_within(part, handles, min(len(handles), 4))
    return figure


def _panel(
    axes: Axes, rows: Sequence[AcrossHandsRow], pairs: Sequence[str], names: Sequence[str]
) -> None:
    """Draw every two hands in a lane, the mean of the tasks on top."""
    axes.axvline(0.0, color="#BBBBBB", linewidth=0.9, zorder=0)
    for row in rows:
        place = names.index(row.task) / max(len(names) - 1, 1) - 0.5
        lane, look = pairs.index(pair_name(row)) + _SPREAD * place, _look(names, row.task)
        width = 1.2 if row.task else 2.6
        axes.plot([row.low, row.high], [lane, lane], color=look["color"], linewidth=width,
                  solid_capstyle="butt")  # fmt: skip
        axes.plot(row.tau, lane, **look)
    axes.set_yticks(range(len(pairs)), list(pairs))
    axes.set_ylim(len(pairs) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def _look(names: Sequence[str], name: str) -> dict[str, Any]:
    """Return how the marks of a task, or of the mean, are drawn."""
    if not name:
        return {"color": _MEAN_COLOUR, "marker": "D", "markersize": 5.5, "linestyle": ""}
    tasks = [other for other in names if other]
    colour = _TASK_COLOURS[tasks.index(name) % len(_TASK_COLOURS)]
    return {"color": colour, "marker": "o", "markersize": 4.0, "linestyle": ""}
