"""Figures of a run, computed from its results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from fmbench.report.figure_parts import (
    BROKEN_STYLE,
    NFE_LABEL,
    REFERENCE_STYLES,
    broken_handles,
    nfe_axis,
    reference_handles,
)
from fmbench.report.rendering import figure_file
from fmbench.report.results import Results
from fmbench.report.summary import Cell, rows_of, seed_rates
from fmbench.storage.rows import REFERENCES

_WIDTH_IN = 8.5
_PANEL_COLUMNS = 3
_LEVEL: dict[str, Any] = {"linestyle": (0, (7, 2, 1, 2)), "linewidth": 1.3}
_MARKERS = ("o", "s", "^", "D", "v", "P")
_LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), "-.")


def render(draw: Callable[[Results], Figure], results: Results, file_format: str) -> bytes:
    """Draw one figure with the marks and caveats of its run and return its file.

    The bytes depend on the results alone.

    Args:
        draw: `success_rates`, `training_curves` or `success_vs_nfe`.
        results: The run.
        file_format: `png` or `svg`.
    """
    return figure_file(
        lambda: draw(results),
        file_format,
        results.is_smoke,
        results.unfinished,
        results.caveats,
    )


def success_rates(results: Results) -> Figure:
    """Draw the headline success rate of every policy on every task, with its interval.

    The expert (ceiling) and random actions (floor) are lines across the task. With several training
    seeds, each seed is a small dot.
    """
    summary = _shown(results)
    rows = summary[summary["headline"]]
    tasks = list(dict.fromkeys(rows["task"]))
    policies = _learned(results)
    colours = results.looks.colours(policies)
    rates = seed_rates(results.episodes)
    lanes = max(len(policies), 1)
    figure = Figure(figsize=(_WIDTH_IN, 1.25 + len(tasks) * (0.28 * lanes + 0.25)))
    axes = figure.add_subplot()
    for i, task in enumerate(tasks):
        for row in rows[rows["task"] == task].itertuples():
            if row.policy in REFERENCES:
                look = REFERENCE_STYLES[str(row.policy)]
                axes.plot([row.success_rate] * 2, [i - 0.42, i + 0.42], **look, zorder=2)
                continue
            lane = policies.index(str(row.policy))
            y = i + ((lane + 0.5) / lanes - 0.5) * 0.76
            _point(axes, row, y, colours[str(row.policy)])
            if row.train_seeds > 1:
                cell = Cell(str(row.task), str(row.policy), str(row.sampler), int(row.steps))
                seeds = rows_of(cell, rates)["success_rate"]
                below = y + np.linspace(0.14, 0.3, len(seeds)) / lanes
                axes.plot(
                    seeds, below, ".", color=colours[str(row.policy)], alpha=0.6, markersize=6
                )
    axes.set(xlim=(-0.02, 1.02), ylim=(len(tasks) - 0.5, -0.5), xlabel="success rate")
    axes.set_yticks(range(len(tasks)), [_short(task) for task in tasks])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    for boundary in range(1, len(tasks)):
        axes.axhline(boundary - 0.5, color="#cccccc", linewidth=0.8)
    handles = [
        Line2D([], [], color=colours[policy], marker="o", label=results.looks.label(policy))
        for policy in policies
    ]
    handles += broken_handles(rows["broken"])
    _legend(figure, [*handles, *reference_handles(set(summary["policy"]))])
    return figure


def training_curves(results: Results) -> Figure:
    """Draw the training loss over updates: a panel per task, a line per policy and seed."""
    rows = results.training
    tasks = list(dict.fromkeys(rows["task"]))
    policies = sorted(set(rows["policy"]), key=results.looks.order)
    colours = results.looks.colours(_learned(results))
    figure = Figure(figsize=_panel_size(len(tasks)))
    for axes, task in _panels(figure, tasks):
        for (policy, _), run in rows[rows["task"] == task].groupby(["policy", "train_seed"]):
            axes.plot(
                run["update"],
                run["loss"],
                color=colours.get(str(policy)),
                linewidth=1.2,
                marker="o" if len(run) == 1 else "",
            )
        axes.set_yscale("log")
        axes.set(title=_short(task), xlabel="update")
        axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
    figure.supylabel("training loss", fontsize=10)
    _legend(
        figure,
        [Line2D([], [], color=colours.get(p), label=results.looks.label(p)) for p in policies],
    )
    return figure


def success_vs_nfe(results: Results) -> Figure:
    """Draw the success rate over network evaluations per chunk, with a panel per task.

    Each policy and sampler is a line over its numbers of steps; behaviour cloning is a point.
    Points with the same NFE are shifted slightly to keep their intervals legible. A policy that
    evaluates no network is a horizontal line with its interval.
    """
    summary = _shown(results)
    compared = summary[~summary["policy"].isin(REFERENCES)]
    learned = compared[compared["nfe"] > 0]
    levels = compared[(compared["nfe"] == 0) & ~compared["broken"]]  # the others did not decide
    policies = _learned(results)
    colours = results.looks.colours(policies)
    lines = sorted(
        set(zip(learned["policy"], learned["sampler"], strict=True)),
        key=lambda line: (results.looks.order(line[0]), line[1]),
    )
    styles = {line: _style(lines, line) for line in lines}
    tasks = list(dict.fromkeys(summary["task"]))
    figure = Figure(figsize=_panel_size(len(tasks)))
    for axes, task in _panels(figure, tasks, share_y=True):
        _reference_lines(axes, summary[summary["task"] == task])
        for level in levels[levels["task"] == task].itertuples():
            _level(axes, level, colours[str(level.policy)])
        for i, (policy, sampler) in enumerate(lines):
            chosen = (learned["policy"] == policy) & (learned["sampler"] == sampler)
            rows = learned[chosen & (learned["task"] == task)].sort_values("nfe")
            shift = 1.05 ** (i - (len(lines) - 1) / 2)
            errors = [rows["success_rate"] - rows["low"], rows["high"] - rows["success_rate"]]
            axes.errorbar(
                rows["nfe"] * shift,
                rows["success_rate"],
                yerr=np.maximum(np.array(errors, dtype=float), 0.0),
                color=colours[policy],
                elinewidth=1.1,
                **styles[policy, sampler],
            )
            broken = rows[rows["broken"]]
            if len(broken):
                axes.plot(broken["nfe"] * shift, broken["success_rate"], **BROKEN_STYLE)
        axes.set(title=_short(task), ylim=(-0.03, 1.05))
        axes.set_xlabel(NFE_LABEL if len(tasks) == 1 else "evaluations per chunk (NFE)")
        nfe_axis(axes, float(learned["nfe"].max()) if len(learned) else 1.0)
    figure.supylabel("success rate", fontsize=10)
    handles = [
        Line2D(
            [],
            [],
            color=colours[p],
            label=", ".join([results.looks.label(p), *[s] * bool(s)]),
            **styles[p, s],
        )
        for p, s in lines
    ]
    handles += [
        Line2D([], [], color=colours[p], label=f"{results.looks.label(p)}, no network", **_LEVEL)
        for p in sorted(set(levels["policy"]), key=results.looks.order)
    ]
    handles += broken_handles(learned["broken"])
    _legend(figure, [*handles, *reference_handles(set(summary["policy"]))])
    return figure


FIGURES = {
    "success_rates": success_rates,
    "training_curves": training_curves,
    "success_vs_nfe": success_vs_nfe,
}


def drawable(results: Results) -> list[str]:
    """Return the names of the figures for which a run has rows."""
    has = {
        "success_rates": True,
        "training_curves": not results.training.empty,
        "success_vs_nfe": bool(_learned(results)),
    }
    return [name for name in FIGURES if has[name]]


def _shown(results: Results) -> pd.DataFrame:
    """Return the summary with a column `broken`; a broken cell has an interval without width."""
    summary = results.summary.copy()
    summary["broken"] = [results.is_broken(row) for row in summary.itertuples()]
    for side in ("low", "high"):
        summary[side] = summary[side].where(~summary["broken"], summary["success_rate"])
    return summary


def _learned(results: Results) -> list[str]:
    """Return the trained policies of a run in order."""
    names = {*results.summary["policy"], *results.training["policy"]} - set(REFERENCES)
    return sorted(names, key=results.looks.order)


def _style(lines: list[tuple[str, str]], line: tuple[str, str]) -> dict[str, Any]:
    """Return marker and line style of one policy's sampler."""
    place = [sampler for policy, sampler in lines if policy == line[0]].index(line[1])
    return {
        "marker": _MARKERS[place % len(_MARKERS)],
        "linestyle": _LINES[place % len(_LINES)],
        "markeredgecolor": "white",
        "markeredgewidth": 0.7,
    }


def _point(axes: Axes, row: Any, y: float, colour: str) -> None:
    """Draw one rate with its interval."""
    axes.plot([row.low, row.high], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(row.success_rate, y, "o", color=colour, markersize=7)
    if row.broken:
        axes.plot(row.success_rate, y, **BROKEN_STYLE)


def _level(axes: Axes, row: Any, colour: str) -> None:
    """Draw one rate with its interval across a panel."""
    axes.axhspan(row.low, row.high, color=colour, alpha=0.08, linewidth=0)
    axes.axhline(row.success_rate, color=colour, **_LEVEL)


def _reference_lines(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the expert and random actions of one task as horizontal lines."""
    for policy in REFERENCES:
        for rate in rows.loc[rows["policy"] == policy, "success_rate"].astype(float):
            axes.axhline(rate, **REFERENCE_STYLES[policy], zorder=1.5)


def _legend(figure: Figure, handles: list[Line2D]) -> None:
    """Place one legend above the figure."""
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 5))


def _panel_size(panels: int) -> tuple[float, float]:
    """Return the size of a figure of panels in inches."""
    return _WIDTH_IN, 0.9 + 2.6 * -(-panels // _PANEL_COLUMNS)


def _panels(figure: Figure, tasks: list[str], share_y: bool = False) -> Iterator[tuple[Axes, str]]:
    """Yield a panel per task, in rows of three."""
    ncols = min(len(tasks), _PANEL_COLUMNS)
    grid = figure.subplots(-(-len(tasks) // ncols), ncols, squeeze=False, sharey=share_y)
    yield from zip(grid.flat, tasks, strict=False)
    for unused in grid.flat[len(tasks) :]:
        unused.remove()


def _thousands(value: float, _: int) -> str:
    """Format a number of updates, with k for thousands."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _short(task: str) -> str:
    """Drop the namespace of a task id."""
    return task.removeprefix("fmbench/")
