"""Figure of success rates over numbers of demonstrations: a panel per task, a line per policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from fmbench.report.combined import Combined
from fmbench.report.curve.rows import CurveRow
from fmbench.report.figure_parts import (
    BROKEN_STYLE,
    REFERENCE_STYLES,
    broken_handles,
    legend_above,
    panel_size,
    panels,
    reference_handles,
)
from fmbench.report.looks import Looks
from fmbench.report.rendering import figure_file
from fmbench.storage.rows import REFERENCES, key_of

_SPREAD = 1.04
"""Factor between the positions of policies that have one number of demonstrations."""


def render_curve(
    rows: Sequence[CurveRow], combined: Combined, looks: Looks, file_format: str = "png"
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone."""
    return figure_file(
        lambda: _draw(rows, combined, looks),
        file_format,
        unfinished=combined.unfinished,
        caveats=combined.caveats,
    )


def _draw(rows: Sequence[CurveRow], combined: Combined, looks: Looks) -> Figure:
    tasks = list(dict.fromkeys(row.task for row in rows))
    policies = sorted({r.policy for r in rows if r.policy not in REFERENCES}, key=looks.order)
    colours = looks.colours(policies)
    numbers = sorted({row.demos for row in rows if row.policy not in REFERENCES})
    figure = Figure(figsize=panel_size(len(tasks)))
    for axes, task in panels(figure, tasks, share_y=True):
        _panel(axes, [row for row in rows if row.task == task], policies, colours, combined)
        axes.set(title=task, ylim=(-0.03, 1.05), xscale="log")
        axes.xaxis.set_major_locator(FixedLocator(numbers))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(numbers[0] / 1.4, numbers[-1] * 1.4)
    handles = [Line2D([], [], color=colours[p], marker="o", label=looks.label(p)) for p in policies]
    handles += reference_handles({row.policy for row in rows})
    handles += broken_handles(combined.is_broken(key_of(row)) for row in rows)
    legend_above(figure, handles)
    figure.supxlabel("demonstrations", fontsize=10)
    figure.supylabel("success rate", fontsize=10)
    return figure


def _panel(
    axes: Axes,
    rows: Sequence[CurveRow],
    policies: Sequence[str],
    colours: dict[str, str],
    combined: Combined,
) -> None:
    """Draw the policies of one task."""
    for row in rows:
        if row.policy in REFERENCES:
            axes.axhline(row.success_rate, **REFERENCE_STYLES[row.policy], zorder=1.5)
    for place, policy in enumerate(policies):
        points = sorted((row for row in rows if row.policy == policy), key=lambda row: row.demos)
        shift = _SPREAD ** (place - (len(policies) - 1) / 2)
        sound = [row for row in points if not combined.is_broken(key_of(row))]
        for row in points:
            if row not in sound:
                axes.plot([row.demos * shift], [row.success_rate], **BROKEN_STYLE)
        rates = np.array([row.success_rate for row in sound])
        sides = [[row.low for row in sound], [row.high for row in sound]]
        error = np.abs(np.array(sides) - rates) if sound else None
        axes.errorbar(
            [row.demos * shift for row in sound],
            rates,
            yerr=error,
            color=colours[policy],
            marker="o",
            markersize=5,
            elinewidth=1.0,
        )
