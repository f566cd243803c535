"""Figure of success rates by setting: a panel per task, a line per setting."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmbench.config import FLAGS
from fmbench.report.combined import Combined
from fmbench.report.figure_parts import REFERENCE_STYLES, legend_with_room
from fmbench.report.grid.setting_row import SettingRow
from fmbench.report.looks import Looks
from fmbench.report.points import draw_point, point_handles
from fmbench.report.rendering import figure_file
from fmbench.storage.rows import REFERENCES, key_of

_PANEL_IN, _LABEL_IN, _LINE_IN = 2.6, 0.075, 0.14
"""Width of a panel, of a letter of a setting's name, and height of a policy in a setting [inch]."""
_COLUMNS = 4


def render_settings(
    rows: Sequence[SettingRow], combined: Combined, looks: Looks, file_format: str = "png"
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone."""
    return figure_file(
        lambda: _draw(rows, combined, looks),
        file_format,
        unfinished=combined.unfinished,
        caveats=combined.caveats,
    )


def shown_setting(name: str) -> str:
    """Return the name of a setting in words: `mlp-emadecay0.9` is `mlp, ema decay 0.9`."""
    parts = re.split(r"(?<!\de)-", name)  # but not within 1e-05
    return ", ".join(map(_in_words, parts))


def _in_words(part: str) -> str:
    for flag in sorted(FLAGS, key=len, reverse=True):
        value = part.removeprefix(flag.replace("_", ""))
        if value != part and value and not value[0].isalpha():
            return f"{flag.replace('_', ' ')} {value}"
    return part


def _draw(rows: Sequence[SettingRow], combined: Combined, looks: Looks) -> Figure:
    tasks = list(dict.fromkeys(row.task for row in rows))
    settings = list(dict.fromkeys(row.setting for row in rows if row.setting))
    policies = sorted({r.policy for r in rows if r.policy not in REFERENCES}, key=looks.order)
    names = [shown_setting(setting) for setting in settings]
    columns = min(len(tasks), _COLUMNS)
    lines = math.ceil(len(tasks) / columns)
    width = _LABEL_IN * max(map(len, names), default=0) + _PANEL_IN * columns
    height = 0.7 + lines * (0.4 + len(settings) * (0.12 + _LINE_IN * len(policies)))
    figure = Figure(figsize=(max(width, 5.0), height), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    colours = looks.colours(policies)
    for axes, task in zip(panels, tasks, strict=False):
        _panel(axes, [r for r in rows if r.task == task], settings, colours, combined)
        axes.set(title=task, xlim=(-0.03, 1.05))
    for axes in panels[len(tasks) :]:
        axes.set_axis_off()
    panels[0].set_yticks(range(len(settings)), names)
    panels[0].set_ylim(len(settings) - 0.5, -0.5)  # the first on top
    broken = (combined.is_broken(key_of(row)) for row in rows)
    handles = point_handles(rows, colours, looks, broken)
    legend_with_room(figure, handles, min(len(handles), 6))
    figure.supxlabel("success rate", fontsize=10)
    return figure


def _panel(
    axes: Axes,
    rows: Sequence[SettingRow],
    settings: Sequence[str],
    colours: dict[str, str],
    combined: Combined,
) -> None:
    """Draw the policies of one task below each other for each setting."""
    for row in rows:
        if row.policy in REFERENCES:
            axes.axvline(row.success_rate, **REFERENCE_STYLES[row.policy], zorder=1.5)
            continue
        place = settings.index(row.setting)
        draw_point(axes, row, place, colours, combined.is_broken(key_of(row)), along="x")
