"""Heat map of what policies keep over several tasks: a row per disturbance, a column per policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fmbench.report.combined import Combined
from fmbench.report.disturbances.retention import RetentionRow
from fmbench.report.disturbances.retention_text import RATE_MARK, policies_of, tasks_text
from fmbench.report.disturbances.rows import EXPERT, LEAST_EXPERT
from fmbench.report.looks import Looks
from fmbench.report.rendering import figure_file

_CELL_IN = (0.95, 0.3)
_MARGIN_IN = (1.9, 1.5)
_LEAST_WIDTH_IN, _PAD_IN = 6.5, 0.15
_DARK = 0.45
"""Retention below which the text of a cell is white."""
_GAP = 0.25
"""Space between two axes, and before the expert, in cells."""


def render_retention(
    rows: Sequence[RetentionRow],
    combined: Combined,
    looks: Looks,
    is_smoke: bool,
    file_format: str = "png",
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone.

    The colour of a cell is retention, its text retention with its interval. Where the policy
    succeeds in less than half of the episodes without disturbance, it has no colour, and the text
    is the success rate. Disturbances that break the expert are hatched; they rank nobody.
    """
    return figure_file(
        lambda: draw_retention(rows, looks),
        file_format,
        is_smoke,
        combined.unfinished,
        combined.caveats,
    )


def draw_retention(rows: Sequence[RetentionRow], looks: Looks) -> Figure:
    """Draw the figure; see `render_retention`."""
    settings = list(dict.fromkeys(row.perturb for row in rows))
    policies = policies_of(rows, looks)
    y_of, x_of = _places(settings), _columns(policies)
    height, width = max(y_of.values()) + 1, max(x_of.values()) + 1
    size = (_MARGIN_IN[0] + width * _CELL_IN[0], _MARGIN_IN[1] + height * _CELL_IN[1])
    size = (max(size[0], _LEAST_WIDTH_IN), size[1])
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    shades = ScalarMappable(Normalize(0.0, 1.0), "cividis")
    for row in rows:
        _cell(axes, row, x_of[row.policy], y_of[row.perturb], shades)
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="auto")
    axes.set_xticks([x_of[name] for name in policies], [looks.label(name) for name in policies])
    axes.xaxis.tick_top()
    axes.set_yticks([y_of[text] for text in settings], settings)
    counts = {row.perturb: tasks_text(row) for row in rows}
    right = axes.secondary_yaxis("right")
    right.set_yticks([y_of[text] for text in settings], [counts[text] for text in settings])
    axes.annotate("tasks", (1.0, 1.0), (4, 4), "axes fraction", textcoords="offset points")
    for side in (axes, right):
        side.tick_params(length=0)
        side.grid(visible=False)
        side.spines[:].set_visible(False)
    label = f"success with the disturbance / without (with {RATE_MARK}: success with it alone)"
    figure.colorbar(
        shades, ax=axes, label=label, orientation="horizontal", aspect=50, pad=_PAD_IN / size[1]
    )
    if any(not row.ranks for row in rows):
        patch = Patch(facecolor="none", hatch="////", edgecolor="#999999", linewidth=0.0)
        label = f"the expert succeeds in less than {100 * LEAST_EXPERT:.0f} %: ranks nobody"
        figure.legend([patch], [label], loc="outside lower center", frameon=False, fontsize=9)
    return figure


def _cell(axes: Axes, row: RetentionRow, x: float, y: float, shades: ScalarMappable) -> None:
    """Draw one cell."""
    box: dict[str, Any] = {"x": [x - 0.5, x + 0.5], "y1": y - 0.5, "y2": y + 0.5}
    shade = None if row.retention is None else min(1.0, row.retention)
    face = "#ECECEC" if shade is None else shades.to_rgba(np.array([shade]))[0]
    axes.fill_between(**box, facecolor=face, edgecolor="white", linewidth=1.0)
    if not row.ranks:
        axes.fill_between(**box, facecolor="none", edgecolor="#999999", hatch="////", linewidth=0.0)
    colour = "white" if shade is not None and shade < _DARK else "black"
    if row.retention is None or row.low is None or row.high is None:
        text = f"{row.disturbed_rate:.2f}{RATE_MARK}"
        axes.text(x, y, text, ha="center", va="center", color="#555555", fontsize=8)
        return
    interval = f"{row.low:.2f}–{row.high:.2f}"
    place: dict[str, Any] = {"y": y, "va": "center", "color": colour}
    axes.text(x - 0.12, s=f"{row.retention:.2f}", ha="right", fontsize=8.5, **place)
    axes.text(x - 0.06, s=interval, ha="left", fontsize=6.5, **place)


def _places(settings: Sequence[str]) -> dict[str, float]:
    """Return the place of each disturbance, with a gap between axes."""
    places, y, before = {}, -1.0, ""
    for text in settings:
        axis = text.partition("=")[0]
        y += 1.0 if axis == before or not before else 1.0 + _GAP
        places[text], before = y, axis
    return places


def _columns(policies: Sequence[str]) -> dict[str, float]:
    """Return the place of each policy, the expert after a gap."""
    return {name: i + _GAP * (name == EXPERT) for i, name in enumerate(policies)}
