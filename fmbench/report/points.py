"""Points of success rates: a policy beside the others at a place, with its interval and seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from fmbench.report.figure_parts import (
    BROKEN_STYLE,
    broken_handles,
    reference_handles,
    seed_dots,
    seed_handles,
)
from fmbench.report.grid.setting_row import SettingRow
from fmbench.report.looks import Looks
from fmbench.report.observation.rows import ObservationRow

Rated: TypeAlias = ObservationRow | SettingRow
"""A row with the success rate of a policy, its interval and the rates of its seeds."""


def draw_point(
    axes: Axes,
    row: Rated,
    place: int,
    colours: Mapping[str, str],
    is_broken: bool,
    along: Literal["x", "y"] = "y",
) -> None:
    """Draw one policy among those of a place; only a mark if its cell is broken.

    Args:
        axes: The axes to draw on.
        row: What is drawn.
        place: The place on the other axis, which all policies share.
        colours: The colour of every policy, in order.
        is_broken: Whether a policy failed in the cell.
        along: The axis of success rates.
    """
    order, count = list(colours).index(row.policy), len(colours)
    own = place + (order - (count - 1) / 2) * 0.8 / count
    rate = row.success_rate
    point = ([own], [rate]) if along == "y" else ([rate], [own])
    if is_broken:
        axes.plot(*point, **BROKEN_STYLE)
        return
    error = np.maximum(np.array([[rate - row.low], [row.high - rate]]), 0.0)
    axes.errorbar(
        *point,
        xerr=error if along == "x" else None,
        yerr=error if along == "y" else None,
        color=colours[row.policy],
        marker="o",
        markersize=5,
        elinewidth=1.2,
        linestyle="",
    )
    seed_dots(axes, own + 0.25 / count, row.seed_rates, colours[row.policy], along)


def point_handles(
    rows: Sequence[Rated], colours: Mapping[str, str], looks: Looks, is_broken: Iterable[bool]
) -> list[Line2D]:
    """Return the legend entries of a figure of points.

    Args:
        rows: What is drawn.
        colours: The colour of every policy, in order.
        looks: The looks of policies.
        is_broken: Of each row, whether a policy failed in its cell.
    """
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=looks.label(policy))
        for policy, colour in colours.items()
    ]
    handles += reference_handles({row.policy for row in rows})
    handles += seed_handles(row.seed_rates for row in rows)
    return handles + broken_handles(is_broken)
