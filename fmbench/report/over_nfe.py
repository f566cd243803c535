"""Figures over the number of network evaluations per chunk: success and bridge rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fmbench.report.bridge_rates import bridge_rates
from fmbench.report.figure_parts import (
    BROKEN_STYLE,
    NFE_LABEL,
    REFERENCE_STYLES,
    broken_handles,
    legend_above,
    nfe_axis,
    panel_size,
    panels,
    reference_handles,
    seed_dots,
    seed_handles,
)
from fmbench.report.nfe_lines import lines_over_nfe
from fmbench.report.outcomes import SummaryKey
from fmbench.report.results import Results
from fmbench.report.shown import learned_policies, short_name, shown_summary
from fmbench.storage.rows import REFERENCES

_LEVEL: dict[str, Any] = {"linestyle": (0, (7, 2, 1, 2)), "linewidth": 1.3}
_MARKERS = ("o", "s", "^", "D", "v", "P")
_LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), "-.")


def success_vs_nfe(results: Results) -> Figure:
    """Draw the success rate over network evaluations per chunk, with a panel per task.

    Each policy and sampler is a line over its numbers of steps; behaviour cloning is a point.
    Points with the same NFE are shifted slightly to keep their intervals legible; training seeds
    are small dots. A policy that evaluates no network is a horizontal line with its interval.
    """
    summary = shown_summary(results)
    references = reference_handles(set(summary["policy"]))
    table = summary.assign(rate=summary["success_rate"])
    return _draw(results, table, "success rate", references, show_seeds=True)


def bridge_vs_nfe(results: Results) -> Figure:
    """Draw the bridge rate over network evaluations per chunk, with a panel per task that has one.

    It is drawn like `success_vs_nfe`; the line of the expert is the rate of its demonstrations.
    """
    rates = bridge_rates(results.diagnostics)
    records = []
    for row in shown_summary(results).to_dict("records"):
        if rate := rates.get(SummaryKey(row["task"], row["policy"], row["sampler"], row["steps"])):
            records.append({**row, "rate": rate.rate, "low": rate.low, "high": rate.high})
    by_task = {cell.task: rate.expert for cell, rate in rates.items()}
    for task, expert in by_task.items():
        records.append({**records[0], "task": task, "policy": "expert", "rate": expert})
    line = Line2D([], [], label="expert's demonstrations", **REFERENCE_STYLES["expert"])
    return _draw(results, pd.DataFrame(records), "bridge rate", [line])


def _draw(
    results: Results,
    table: pd.DataFrame,
    label: str,
    references: Sequence[Line2D],
    show_seeds: bool = False,
) -> Figure:
    """Draw a rate over network evaluations.

    Args:
        results: The run.
        table: Rows of the summary with a column `rate`, of which `low` and `high` is the interval.
        label: What the rate is.
        references: Legend entries of expert and random actions.
        show_seeds: Whether the rate is that of the seeds, so that each is drawn.
    """
    found = lines_over_nfe(table.itertuples(), results.looks.order)
    learned = table[~table["policy"].isin(REFERENCES) & (table["nfe"] > 0)]
    levels = found.levels
    colours = results.looks.colours(learned_policies(results))
    tasks = list(dict.fromkeys(table["task"]))
    figure = Figure(figsize=panel_size(len(tasks)))
    for axes, task in panels(figure, tasks, share_y=True):
        _reference_lines(axes, table[table["task"] == task])
        for level in (row for row in levels if row.task == task):
            _level(axes, level, colours[str(level.policy)])
        for line in found.lines:
            rows = [row for row in line.rows if row.task == task]
            _line(axes, rows, line.shift, colours[line.policy], _style(line.place), show_seeds)
        axes.set(title=short_name(task), ylim=(-0.03, 1.05))
        axes.set_xlabel(NFE_LABEL if len(tasks) == 1 else "evaluations per chunk (NFE)")
        nfe_axis(axes, float(learned["nfe"].max()) if len(learned) else 1.0)
    figure.supylabel(label, fontsize=10)
    handles = [
        Line2D(
            [],
            [],
            color=colours[line.policy],
            label=", ".join(filter(None, (results.looks.label(line.policy), line.sampler))),
            **_style(line.place),
        )
        for line in found.lines
    ]
    handles += [
        Line2D([], [], color=colours[p], label=f"{results.looks.label(p)}, no network", **_LEVEL)
        for p in sorted({level.policy for level in levels}, key=results.looks.order)
    ]
    handles += seed_handles(learned["seed_rates"] if show_seeds else [])
    handles += broken_handles(learned["broken"])
    legend_above(figure, [*handles, *references])
    return figure


def _line(
    axes: Axes,
    rows: Sequence[Any],
    shift: float,
    colour: str,
    style: dict[str, Any],
    show_seeds: bool,
) -> None:
    """Draw one policy and sampler, its points shifted by a factor, with a dot for every seed."""
    rates = np.array([row.rate for row in rows], dtype=float)
    errors = [rates - [row.low for row in rows], [row.high for row in rows] - rates]
    axes.errorbar(
        [row.nfe * shift for row in rows],
        rates,
        yerr=np.maximum(np.array(errors, dtype=float), 0.0),
        color=colour,
        elinewidth=1.1,
        **style,
    )
    for row in rows if show_seeds else ():
        seed_dots(axes, row.nfe * shift, row.seed_rates, colour)
    if broken := [row for row in rows if row.broken]:
        places = [row.nfe * shift for row in broken]
        axes.plot(places, [row.rate for row in broken], **BROKEN_STYLE)


def _style(place: int) -> dict[str, Any]:
    """Return marker and line style of one of a policy's samplers."""
    return {
        "marker": _MARKERS[place % len(_MARKERS)],
        "linestyle": _LINES[place % len(_LINES)],
        "markeredgecolor": "white",
        "markeredgewidth": 0.7,
    }


def _level(axes: Axes, row: Any, colour: str) -> None:
    """Draw one rate with its interval across a panel."""
    axes.axhspan(row.low, row.high, color=colour, alpha=0.08, linewidth=0)
    axes.axhline(row.rate, color=colour, **_LEVEL)


def _reference_lines(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the expert and random actions of one task as horizontal lines."""
    for policy in REFERENCES:
        for rate in rows.loc[rows["policy"] == policy, "rate"].astype(float):
            axes.axhline(rate, **REFERENCE_STYLES[policy], zorder=1.5)
