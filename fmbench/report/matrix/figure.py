"""The figure of a matrix of runs: success against network evaluations."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fmbench.report.looks import OF_CATALOGUE, REFERENCES, Looks, backbone_order
from fmbench.report.matrix.rows import MatrixRow
from fmbench.report.plots import REFERENCE_STYLES, STYLE, nfe_axis

_WIDTH_IN, _ROW_IN = 9.5, 2.9
_BACKBONE_LINES: dict[str, Any] = {"mlp": "-", "dit": (0, (4, 1.5)), "unet": (0, (1.2, 1.2))}
_BACKBONE_MARKERS = {"mlp": "o", "dit": "s", "unet": "^"}
_SAMPLER_LINES: dict[str, Any] = {"ddpm": ":"}
_AT_ZERO = 0.6
"""Where a policy without a network stands on the logarithmic axis."""


def render_matrix(rows: Sequence[MatrixRow], looks: Looks = OF_CATALOGUE) -> bytes:
    """Draw the figure and return its PNG file, a function of the rows and looks alone.

    One row of panels compares the objectives on the first backbone, and another compares the
    backbones for the objectives that were trained on all of them; one column for each task.
    """
    with style.context(["default", STYLE]):
        file = io.BytesIO()
        _draw(rows, looks).savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _draw(rows: Sequence[MatrixRow], looks: Looks) -> Figure:
    tasks = list(dict.fromkeys(row.task for row in rows))
    learned = [row for row in rows if row.policy not in REFERENCES]
    backbones = sorted({row.backbone for row in learned}, key=backbone_order)
    of = {b: {row.policy for row in learned if row.backbone == b} for b in backbones}
    shared = set.intersection(*of.values())
    groups = [[row for row in learned if row.backbone == backbones[0]]]
    if len(backbones) > 1:
        groups.append([row for row in learned if row.policy in shared])
    colours = looks.colours(sorted({row.policy for row in learned}, key=looks.order))
    figure = Figure(figsize=(_WIDTH_IN, 0.9 + _ROW_IN * len(groups)))
    parts = figure.subfigures(len(groups), 1, squeeze=False)[:, 0]
    for index, (part, group) in enumerate(zip(parts, groups, strict=True)):
        several = index > 0
        grid = part.subplots(1, len(tasks), squeeze=False, sharey=True)[0]
        for axes, task in zip(grid, tasks, strict=True):
            _panel(axes, [r for r in group if r.task == task], looks, colours, several)
            _references(axes, [r for r in rows if r.task == task and r.policy in REFERENCES])
            nfe_axis(axes, max(row.nfe for row in learned), _AT_ZERO)
            axes.set(title=task if not several else "", ylim=(-0.03, 1.05), xlabel="NFE")
        names = sorted({row.policy for row in group}, key=looks.order)
        handles = [
            Line2D([], [], color=colours[p], marker="o", label=looks.label(p)) for p in names
        ]
        if several:
            handles += [
                Line2D([], [], color="#444444", linestyle=_BACKBONE_LINES.get(b, "-"),
                       marker=_BACKBONE_MARKERS.get(b, "o"), label=b)
                for b in backbones
            ]  # fmt: skip
        part.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 9))
        part.supylabel("success rate", fontsize=10)
    return figure


def _panel(
    axes: Axes, rows: Sequence[MatrixRow], looks: Looks, colours: dict[str, str], several: bool
) -> None:
    """Draw every backbone, policy and sampler of one task as a line over its NFE."""
    lines = sorted({(looks.order(r.policy), r.backbone, r.policy, r.sampler) for r in rows})
    for place, (_, backbone, policy, sampler) in enumerate(lines):
        own = [r for r in rows if (r.backbone, r.policy, r.sampler) == (backbone, policy, sampler)]
        own.sort(key=lambda row: row.nfe)
        apart = 1.04 ** (place - (len(lines) - 1) / 2)
        line = _BACKBONE_LINES.get(backbone, "-") if several else "-"
        rates = np.array([row.success_rate for row in own])
        low, high = (np.array([getattr(row, side) for row in own]) for side in ("low", "high"))
        axes.errorbar(
            [max(row.nfe, _AT_ZERO) * apart for row in own],
            rates,
            yerr=np.maximum([rates - low, high - rates], 0.0),
            color=colours[policy],
            linestyle=_SAMPLER_LINES.get(sampler, line),
            marker=_BACKBONE_MARKERS.get(backbone, "o") if several else "o",
            markeredgecolor="white",
            markeredgewidth=0.6,
            elinewidth=0.8,
        )


def _references(axes: Axes, rows: Sequence[MatrixRow]) -> None:
    """Draw ceiling and floor as horizontal lines."""
    for row in rows:
        axes.axhline(row.success_rate, **REFERENCE_STYLES[row.policy], zorder=1.5)
