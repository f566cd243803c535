"""Figure of a comparison over tasks: performance profiles, means and inter-quartile means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmbench.report.across_tasks.table import IQM, MEAN, PROFILE, AcrossTasksRow
from fmbench.report.looks import Looks
from fmbench.report.rendering import figure_file

_WIDTH_IN, _LANE_IN, _LEAST_IN = 9.5, 0.22, 2.3
_TITLES = {MEAN: "mean", IQM: "inter-quartile mean"}


def render_across_tasks(
    rows: Sequence[AcrossTasksRow],
    looks: Looks,
    caveats: Sequence[str] = (),
    is_smoke: bool = False,
    file_format: str = "png",
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone.

    Every backbone has a row of panels: the share of task-seed scores above each success rate, with
    a band, and the intervals of mean and inter-quartile mean.

    Args:
        rows: At least one policy's.
        looks: Names and colours of the policies.
        caveats: Lines below the figure.
        is_smoke: Whether the numbers only test the software.
        file_format: `png` or `svg`.
    """
    return figure_file(lambda: _draw(rows, looks), file_format, is_smoke, caveats=caveats)


def _draw(rows: Sequence[AcrossTasksRow], looks: Looks) -> Figure:
    backbones = list(dict.fromkeys(row.backbone for row in rows))
    colours = looks.colours(sorted({row.policy for row in rows}, key=looks.order))
    methods = [
        list(dict.fromkeys(row.method for row in rows if row.backbone == backbone))
        for backbone in backbones
    ]
    heights = [max(_LEAST_IN, 0.9 + _LANE_IN * len(group)) for group in methods]
    figure = Figure(figsize=(_WIDTH_IN, sum(heights)))
    grid = figure.subplots(
        len(backbones), 3, squeeze=False, height_ratios=heights, width_ratios=(1.35, 1, 1)
    )
    left = min(row.low for row in rows if row.quantity in _TITLES)
    for panels, group, backbone in zip(grid, methods, backbones, strict=True):
        for method in group:
            of_method = [row for row in rows if row.method == method]
            shares = [row for row in of_method if row.quantity == PROFILE]
            _profile(panels[0], shares, colours[method.policy])
        panels[0].set(
            title=f"{backbone}: performance profile" if backbone else "performance profile",
            xlabel="success rate",
            ylabel="share of scores above it",
            xlim=(0, 1),
            ylim=(-0.03, 1.03),
            yticks=(0, 0.25, 0.5, 0.75, 1),
        )
        for axes, (quantity, title) in zip(panels[1:], _TITLES.items(), strict=True):
            found = {row.method: row for row in rows if row.quantity == quantity}
            _intervals(axes, [found[method] for method in group], colours)
            axes.set(title=title, xlabel="success rate", xlim=(max(left - 0.05, -0.02), 1.02))
        panels[1].set_yticks(range(len(group)), [looks.label(method.policy) for method in group])
        panels[2].set_yticks(range(len(group)), [""] * len(group))
    return figure


def _profile(axes: Axes, rows: Sequence[AcrossTasksRow], colour: str) -> None:
    """Draw the shares of one policy as steps, which end at no score above 1, and their band."""
    thresholds = [float(row.threshold or 0.0) for row in rows] + [1.0]
    values, low, high = (
        np.array([*(getattr(row, name) for row in rows), 0.0]) for name in ("value", "low", "high")
    )
    axes.fill_between(thresholds, low, high, step="post", color=colour, alpha=0.13, linewidth=0)
    axes.step(thresholds, values, where="post", color=colour, linewidth=1.4)


def _intervals(axes: Axes, rows: Sequence[AcrossTasksRow], colours: dict[str, str]) -> None:
    """Draw one quantity of every policy, each in its lane."""
    for lane, row in enumerate(rows):
        colour = colours[row.policy]
        axes.plot([row.low, row.high], [lane, lane], color=colour, linewidth=2.4,
                  solid_capstyle="butt")  # fmt: skip
        axes.plot(row.value, lane, "o", color=colour, markersize=4.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
