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
    nfe_axis,
    reference_handles,
    seed_dots,
    seed_handles,
)
from fmbench.report.looks import OF_CATALOGUE, Looks, backbone_order
from fmbench.report.matrix.rows import MatrixRow
from fmbench.report.rendering import figure_file
from fmbench.storage.rows import REFERENCES, key_of

_WIDTH_IN, _ROW_IN = 9.5, 2.9
_BACKBONE_LINES: dict[str, Any] = {"mlp": "-", "dit": (0, (4, 1.5)), "unet": (0, (1.2, 1.2))}
_BACKBONE_MARKERS = {"mlp": "o", "dit": "s", "unet": "^"}
_SAMPLER_LINES: dict[str, Any] = {"ddpm": ":"}
_AT_ZERO = 0.6
"""Position of a policy without a network on the logarithmic axis."""


def render_matrix(
    rows: Sequence[MatrixRow], combined: Combined, looks: Looks = OF_CATALOGUE
) -> bytes:
    """Draw the figure and return its PNG file, a function of rows, caveats and looks alone.

    The first row of panels compares the objectives on the first backbone. The second compares the
    backbones for the objectives that were trained on all of them. Each task has a column.
    """
    return figure_file(
        lambda: _draw(rows, combined, looks),
        unfinished=combined.unfinished,
        caveats=combined.caveats,
    )


def _draw(rows: Sequence[MatrixRow], combined: Combined, looks: Looks) -> Figure:
    tasks = list(dict.fromkeys(row.task for row in rows))
    learned = [row for row in rows if row.policy not in REFERENCES]
    backbones = sorted({row.backbone for row in learned}, key=backbone_order)
    shared = set.intersection(
        *({row.policy for row in learned if row.backbone == backbone} for backbone in backbones)
    )
    groups = [[row for row in learned if row.backbone == backbones[0]]]
    if len(backbones) > 1:
        groups.append([row for row in learned if row.policy in shared])
    colours = looks.colours(sorted({row.policy for row in learned}, key=looks.order))
    figure = Figure(figsize=(_WIDTH_IN, 0.9 + _ROW_IN * len(groups)))
    parts = figure.subfigures(len(groups), 1, squeeze=False)[:, 0]
    for index, (part, group) in enumerate(zip(parts, groups, strict=True)):
        by_backbone = index > 0
        grid = part.subplots(1, len(tasks), squeeze=False, sharey=True)[0]
        for axes, task in zip(grid, tasks, strict=True):
            of_task = [row for row in group if row.task == task]
            _panel(axes, of_task, combined, looks, colours, by_backbone)
            _references(axes, [r for r in rows if r.task == task and r.policy in REFERENCES])
            nfe_axis(axes, max(row.nfe for row in learned), _AT_ZERO)
            axes.set(title=task if index == 0 else "", ylim=(-0.03, 1.05), xlabel=NFE_LABEL)
        names = sorted({row.policy for row in group}, key=looks.order)
        handles = [
            Line2D([], [], color=colours[p], marker="o", label=looks.label(p)) for p in names
        ]
        if by_backbone:
            handles += [
                Line2D([], [], color="#444444", linestyle=_BACKBONE_LINES.get(b, "-"),
                       marker=_BACKBONE_MARKERS.get(b, "o"), label=b)
                for b in backbones
            ]  # fmt: skip
        handles += seed_handles(row.seed_rates for row in group)
        handles += broken_handles(combined.is_broken(key_of(row)) for row in group)
        if index == len(groups) - 1:
            handles += reference_handles({row.policy for row in rows})
        part.legend(handles=handles, loc="outside upper center", ncols=-(-len(handles) // 2))
        part.supylabel("success rate", fontsize=10)
    return figure


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
    for place, (_, backbone, policy, sampler) in enumerate(lines):
        key = (backbone, policy, sampler)
        points = [row for row in rows if (row.backbone, row.policy, row.sampler) == key]
        points.sort(key=lambda row: row.nfe)
        shift = 1.04 ** (place - (len(lines) - 1) / 2)
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
            marker=_BACKBONE_MARKERS.get(backbone, "o") if by_backbone else "o",
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
