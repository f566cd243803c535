"""Figures of a run, computed from its results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from fmbench.report.figure_parts import (
    BROKEN_STYLE,
    REFERENCE_STYLES,
    WIDTH_IN,
    broken_handles,
    legend_above,
    panel_size,
    panels,
    reference_handles,
    seed_handles,
    thousands,
)
from fmbench.report.learning import learning_curves
from fmbench.report.outcomes import SummaryKey
from fmbench.report.over_nfe import bridge_vs_nfe, success_vs_nfe
from fmbench.report.over_time import success_vs_time
from fmbench.report.rendering import figure_file
from fmbench.report.results import Results
from fmbench.report.shown import learned_policies, short_name, shown_summary
from fmbench.report.summary import rows_of
from fmbench.storage.rows import REFERENCES


def render(draw: Callable[[Results], Figure], results: Results, file_format: str) -> bytes:
    """Draw one figure with the marks and caveats of its run and return its file.

    The bytes depend on the results alone.

    Args:
        draw: One of `FIGURES`.
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
    summary = shown_summary(results)
    rows = summary[summary["headline"]]
    tasks = list(dict.fromkeys(rows["task"]))
    policies = learned_policies(results)
    colours = results.looks.colours(policies)
    rates = results.outcomes.by_seed
    lanes = max(len(policies), 1)
    figure = Figure(figsize=(WIDTH_IN, 1.25 + len(tasks) * (0.28 * lanes + 0.25)))
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
                cell = SummaryKey(str(row.task), str(row.policy), str(row.sampler), int(row.steps))
                seeds = rows_of(cell, rates)["success"]
                below = y + np.linspace(0.14, 0.3, len(seeds)) / lanes
                axes.plot(
                    seeds, below, ".", color=colours[str(row.policy)], alpha=0.6, markersize=6
                )
    axes.set(xlim=(-0.02, 1.02), ylim=(len(tasks) - 0.5, -0.5), xlabel="success rate")
    axes.set_yticks(range(len(tasks)), [short_name(task) for task in tasks])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    for boundary in range(1, len(tasks)):
        axes.axhline(boundary - 0.5, color="#cccccc", linewidth=0.8)
    handles = [
        Line2D([], [], color=colours[policy], marker="o", label=results.looks.label(policy))
        for policy in policies
    ]
    handles += seed_handles(rows["seed_rates"])
    handles += broken_handles(rows["broken"])
    legend_above(figure, [*handles, *reference_handles(set(summary["policy"]))])
    return figure


def training_curves(results: Results) -> Figure:
    """Draw the training loss over updates: a panel per task, a line per policy and seed."""
    rows = results.training
    tasks = list(dict.fromkeys(rows["task"]))
    policies = sorted(set(rows["policy"]), key=results.looks.order)
    colours = results.looks.colours(learned_policies(results))
    figure = Figure(figsize=panel_size(len(tasks)))
    for axes, task in panels(figure, tasks):
        for (policy, _), run in rows[rows["task"] == task].groupby(["policy", "train_seed"]):
            axes.plot(
                run["update"],
                run["loss"],
                color=colours.get(str(policy)),
                linewidth=1.2,
                marker="o" if len(run) == 1 else "",
            )
        axes.set_yscale("log")
        axes.set(title=short_name(task), xlabel="update")
        axes.xaxis.set_major_formatter(FuncFormatter(thousands))
    figure.supylabel("training loss", fontsize=10)
    legend_above(
        figure,
        [Line2D([], [], color=colours.get(p), label=results.looks.label(p)) for p in policies],
    )
    return figure


FIGURES = {
    "success_rates": success_rates,
    "training_curves": training_curves,
    "learning_curves": learning_curves,
    "success_vs_nfe": success_vs_nfe,
    "bridge_vs_nfe": bridge_vs_nfe,
    "success_vs_time": success_vs_time,
}


def drawable(results: Results) -> list[str]:
    """Return the names of the figures for which a run has rows."""
    has = {
        "success_rates": True,
        "training_curves": not results.training.empty,
        "learning_curves": not results.learning.empty,
        "success_vs_nfe": bool(learned_policies(results)),
        "bridge_vs_nfe": bool(results.diagnostics["bridge_rate"].notna().any()),
        "success_vs_time": bool(results.episodes["time_to_success_s"].notna().any()),
    }
    return [name for name in FIGURES if has[name]]


def _point(axes: Axes, row: Any, y: float, colour: str) -> None:
    """Draw one rate with its interval."""
    axes.plot([row.low, row.high], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(row.success_rate, y, "o", color=colour, markersize=7)
    if row.broken:
        axes.plot(row.success_rate, y, **BROKEN_STYLE)
