"""Figure of the share of episodes that have succeeded by a time, for the headlines of a run."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fmbench.report.figure_parts import (
    REFERENCE_STYLES,
    learned_policies,
    legend_above,
    panel_size,
    panels,
    reference_handles,
    short_name,
)
from fmbench.report.results import Results
from fmbench.report.times import headline_times

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Times [s], and the share that has succeeded by each."""


def success_vs_time(results: Results) -> Figure:
    """Draw F(u), the share of episodes that have succeeded by the time u, failures at infinity.

    A panel per task, a line per headline; its last value is the success rate. With several training
    seeds it is the mean over them.
    """
    times = headline_times(results)
    tasks = list(times)
    policies = learned_policies(results)
    colours = results.looks.colours(policies)
    figure = Figure(figsize=panel_size(len(tasks)))
    present: set[str] = set()
    for axes, task in panels(figure, tasks, share_y=True):
        limit, of_cells = times[task]
        for cell, table in of_cells.items():
            look = REFERENCE_STYLES.get(cell.policy) or {"color": colours[cell.policy]}
            axes.step(*curve(table.to_numpy(float), limit), where="post", **look)
            present.add(cell.policy)
        axes.set(title=short_name(task), xlim=(0, limit), ylim=(-0.03, 1.05), xlabel="time [s]")
    figure.supylabel("succeeded by then", fontsize=10)
    handles = [
        Line2D([], [], color=colours[policy], label=results.looks.label(policy))
        for policy in policies
        if policy in present
    ]
    legend_above(figure, [*handles, *reference_handles(present)])
    return figure


def curve(times: NDArray[np.float64], limit: float) -> Curve:
    """Return the curve of times, (seeds, n) [s]; a failure is infinity, a missing episode NaN."""
    values, count = np.sort(times[np.isfinite(times)]), int((~np.isnan(times)).sum())
    shares = np.arange(len(values) + 1) / max(count, 1)
    return np.array([0.0, *values, limit]), np.array([*shares, shares[-1]])
