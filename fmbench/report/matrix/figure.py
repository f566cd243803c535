"""Figure of success rates over network evaluations, from several runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fmbench.report.combined import Combined
from fmbench.report.figure_parts import (
    BROKEN_STYLE,
    NFE_LABEL,
    REFERENCE_STYLES,
    broken_handles,
    legend_within,
    nfe_axis,
    panels,
    reference_handles,
    seed_dots,
    seed_handles,
)
from fmbench.report.looks import OF_CATALOGUE, Looks, backbone_order
from fmbench.report.matrix.rows import MatrixRow
from fmbench.report.rendering import figure_file
from fmbench.storage.rows import REFERENCES, key_of

_WIDTH_IN, _ROW_IN, _LEGEND_IN, _COLUMNS = 9.5, 2.7, 0.9, 3
_BACKBONE_LINES: dict[str, Any] = {"mlp": "-", "dit": (0, (4, 1.5)), "unet": (0, (1.2, 1.2))}
BACKBONE_MARKERS = {"mlp": "o", "dit": "s", "unet": "^"}
_SAMPLER_LINES: dict[str, Any] = {"ddpm": ":"}
_AT_ZERO = 0.6
"""Position of a policy without a network on the logarithmic axis."""


def render_matrix(
    rows: Sequence[MatrixRow],
    combined: Combined,
    looks: Looks = OF_CATALOGUE,
    file_format: str = "png",
) -> bytes:
    """Draw the figure and return its file, a function of the arguments alone.

    The first group of panels compares the objectives on the first backbone, and policies from
    outside with them. The second compares the backbones for the objectives that were trained on
    all of them, on the tasks with several backbones. Each task has a panel.
    """
    return figure_file(
        lambda: _draw(rows, combined, looks),
        file_format,
        unfinished=combined.unfinished,
        caveats=combined.caveats,
    )


def _draw(rows: Sequence[MatrixRow], combined: Combined, looks: Looks) -> Figure:
    tasks = list(dict.fromkeys(row.task for row in rows))
    every = [row for row in rows if row.policy not in REFERENCES]
    learned = [row for row in every if not looks.is_outside(row.policy)] or every
    backbones = sorted({row.backbone for row in learned}, key=backbone_order)
    shared = set.intersection(
        *({row.policy for row in learned if row.backbone == backbone} for backbone in backbones)
    )
    groups = [[r for r in every if r.backbone == backbones[0] or looks.is_outside(r.policy)]]
    if len(backbones) > 1:
        compared = _tasks_of_several_backbones(learned)
        groups.append([r for r in learned if r.policy in shared and r.task in compared])
    groups = [group for group in groups if group]
    tasks_of = [[task for task in tasks if any(r.task == task for r in g)] for g in groups]
    lines = [-(-len(names) // _COLUMNS) for names in tasks_of]
    colours = looks.colours(sorted({row.policy for row in every}, key=looks.order))
    figure = Figure(figsize=(_WIDTH_IN, sum(_LEGEND_IN + _ROW_IN * count for count in lines)))
    parts = figure.subfigures(
        len(groups), 1, squeeze=False, height_ratios=[_LEGEND_IN + _ROW_IN * n for n in lines]
    )[:, 0]
    for index, (part, group) in enumerate(zip(parts, groups, strict=True)):
        by_backbone = index > 0
        for axes, task in panels(part, tasks_of[index], share_y=True):
            of_task = [row for row in group if row.task == task]
            _panel(axes, of_task, combined, looks, colours, by_backbone)
            _references(axes, [r for r in rows if r.task == task and r.policy in REFERENCES])
            nfe_axis(axes, max(row.nfe for row in every), _AT_ZERO)
            axes.set(title=task, ylim=(-0.03, 1.05))
        handles = _handles(group, looks, colours, backbones if by_backbone else [])
        handles += broken_handles(combined.is_broken(key_of(row)) for row in group)
        if index == len(groups) - 1:
            handles += reference_handles({row.policy for row in rows})
        legend_within(part, handles, -(-len(handles) // 2))
        part.supylabel("success rate", fontsize=10)
        part.supxlabel(NFE_LABEL, fontsize=10)
    return figure


def _tasks_of_several_backbones(rows: Sequence[MatrixRow]) -> set[str]:
    backbones: dict[str, set[str]] = {}
    for row in rows:
        backbones.setdefault(row.task, set()).add(row.backbone)
    return {task for task, names in backbones.items() if len(names) > 1}


def _handles(
    group: Sequence[MatrixRow], looks: Looks, colours: dict[str, str], backbones: Sequence[str]
) -> list[Line2D]:
    """Return the legend entries of policies, backbones and training seeds."""
    names = sorted({row.policy for row in group}, key=looks.order)
    return [
        *(Line2D([], [], color=colours[p], marker="o", label=looks.label(p)) for p in names),
        *(
            Line2D([], [], color="#444444", linestyle=_BACKBONE_LINES.get(b, "-"),
                   marker=BACKBONE_MARKERS.get(b, "o"), label=b)
            for b in backbones
        ),
        *seed_handles(row.seed_rates for row in group),
    ]  # fmt: skip


def _panel(
    axes: Axes,
    rows: Sequence[MatrixRow],
    combined: Combined,
    looks: Looks,
    colours: dict[str, str],
    by_backbone: bool,
) -> None:
    """Draw every backbone, policy and sampler of one task as a line over NFE."""
    lines = sorted({(looks.order(r.policy), r.backbone, r.policy, r.sampler) for r in rows})
    spread = min(1.04, 1.4 ** (1 / max(len(lines), 1)))  # not as far as the next number
    for place, (_, backbone, policy, sampler) in enumerate(lines):
        key = (backbone, policy, sampler)
        points = [row for row in rows if (row.backbone, row.policy, row.sampler) == key]
        points.sort(key=lambda row: row.nfe)
        shift = spread ** (place - (len(lines) - 1) / 2)
        line = _BACKBONE_LINES.get(backbone, "-") if by_backbone else "-"
        rates = np.array([row.success_rate for row in points])
        low, high = (np.array([getattr(row, side) for row in points]) for side in ("low", "high"))
        broken = np.array([combined.is_broken(key_of(row)) for row in points], dtype=np.bool_)
        low, high = np.where(broken, rates, low), np.where(broken, rates, high)
        positions = np.array([max(row.nfe, _AT_ZERO) * shift for row in points])
        if broken.any():
            axes.plot(positions[broken], rates[broken], **BROKEN_STYLE)
        axes.errorbar(
            positions,
            rates,
            yerr=np.maximum([rates - low, high - rates], 0.0),
            color=colours[policy],
            linestyle=_SAMPLER_LINES.get(sampler, line),
            marker=BACKBONE_MARKERS.get(backbone, "o") if by_backbone else "o",
            markeredgecolor="white",
            markeredgewidth=0.6,
            elinewidth=0.8,
        )
        for row, position in zip(points, positions, strict=True):
            seed_dots(axes, float(position), row.seed_rates, colours[policy])


def _references(axes: Axes, rows: Sequence[MatrixRow]) -> None:
    """Draw the expert and random actions as horizontal lines."""
    for row in rows:
        axes.axhline(row.success_rate, **REFERENCE_STYLES[row.policy], zorder=1.5)
