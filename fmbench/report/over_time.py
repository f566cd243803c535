"""Figure of the share of episodes that have succeeded by a time, for the headlines of a run."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fmbench.report.figure_parts import (
    REFERENCE_STYLES,
    legend_above,
    panel_size,
    panels,
    reference_handles,
)
from fmbench.report.results import Results
from fmbench.report.shown import learned_policies, short_name
from fmbench.report.times import curve, headline_times


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
