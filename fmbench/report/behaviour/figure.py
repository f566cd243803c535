"""Figure of the behaviour of policies: furthest stages, peak contact forces and drops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fmbench.report.behaviour.rows import CellBehaviour
from fmbench.report.behaviour.text import stages_of_task
from fmbench.report.figure_parts import REFERENCE_STYLES, WIDTH_IN
from fmbench.report.rendering import figure_file
from fmbench.report.results import Results
from fmbench.report.shown import learned_policies, short_name

FIGURE = "behaviour"
_START, _SUCCESS = "#e2e2e2", "#2166ac"
_RAMP, _LIGHTEST, _DARKEST = "YlOrBr", 0.16, 0.80
_LANE_IN, _AROUND_IN = 0.27, 1.3
_SIZES: dict[str, Any] = {"fontsize": 8.5}


def render_behaviour(found: Sequence[CellBehaviour], results: Results, file_format: str) -> bytes:
    """Draw the figure with the marks and caveats of its run and return its file.

    Args:
        found: The behaviour of the headlines; at least one.
        results: Their run.
        file_format: `png`, `svg` or `pdf`.
    """
    return figure_file(
        lambda: behaviour_figure(found, results),
        file_format,
        results.is_smoke,
        results.unfinished,
        results.caveats,
    )


def behaviour_figure(found: Sequence[CellBehaviour], results: Results) -> Figure:
    """Draw three panels per task, with a line for every policy.

    Left the share of episodes by their furthest stage, success at the right end of the bar; in the
    middle the median of the peak contact force, with a line to the 90th percentile; right the drops
    per episode with their interval.
    """
    tasks = list(dict.fromkeys(each.row.task for each in found))
    blocks = [[each for each in found if each.row.task == task] for task in tasks]
    heights = [_LANE_IN * len(block) + _AROUND_IN for block in blocks]
    figure = Figure(figsize=(WIDTH_IN, sum(heights) + 0.1))
    grid = figure.subplots(
        len(tasks), 3, squeeze=False, sharey="row", height_ratios=heights,
        width_ratios=[3.0, 1.35, 1.0],
    )  # fmt: skip
    colours = results.looks.colours(learned_policies(results))
    colours |= {name: str(look["color"]) for name, look in REFERENCE_STYLES.items()}
    for (stages, forces, drops), task, block in zip(grid, tasks, blocks, strict=True):
        labels = [results.looks.label(each.row.policy) for each in block]
        stages.set_yticks(range(len(block)), labels)
        stages.set_ylim(len(block) - 0.5, -0.5)
        stages.set_title(short_name(task), pad=20 if any(each.stages for each in block) else 6)
        _draw_stages(stages, block)
        in_colour = [colours.get(each.row.policy, "#000000") for each in block]
        _draw_forces(forces, block, in_colour)
        _draw_drops(drops, block, in_colour)
        for axes in (stages, forces, drops):
            axes.tick_params(axis="y", length=0)
            axes.tick_params(axis="x", labelsize=8.5)
            axes.grid(axis="y", visible=False)
    return figure


def stage_colours(stages: Sequence[tuple[int, str]], success: int | None) -> dict[int, str]:
    """Return a colour for the number of each stage: grey, light to dark, and the success's blue.

    Args:
        stages: The stages, in order.
        success: The number of the stage that is the success; None if no episode has succeeded.
    """
    between = [number for number, _ in stages if number not in (0, success)]
    ramp, last = matplotlib.colormaps[_RAMP], max(1, len(between) - 1)
    colours = {
        number: matplotlib.colors.to_hex(ramp(_LIGHTEST + (_DARKEST - _LIGHTEST) * k / last))
        for k, number in enumerate(between)
    }
    return {0: _START, **colours} | ({} if success is None else {success: _SUCCESS})


def _draw_stages(axes: Axes, block: Sequence[CellBehaviour]) -> None:
    """Draw a stacked bar for every policy."""
    stages = stages_of_task(block)
    axes.set(xlim=(0.0, 1.0))
    axes.set_xlabel("episodes by furthest stage", **_SIZES)
    if not stages:
        _say(axes, "no stages are registered")
        return
    succeeds = any(each.row.success_rate > 0 and each.stages for each in block)
    colours = stage_colours(stages, stages[-1][0] if succeeds else None)
    for y, each in enumerate(block):
        left = 0.0
        for number, name in stages:
            share = each.stages.get((number, name), 0.0)
            if share > 0:
                axes.barh(y, share, 0.72, left, color=colours[number], edgecolor="white")
                left += share
    legend = axes.legend(
        handles=[Patch(color=colours[number], label=name) for number, name in stages],
        loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(stages), borderpad=0.0,
        borderaxespad=0.1, handlelength=0.9, handleheight=0.9, handletextpad=0.35,
        columnspacing=0.9, fontsize=8.0,
    )  # fmt: skip
    legend.set_in_layout(False)  # a long one stands above the next panel, too


def _draw_forces(axes: Axes, block: Sequence[CellBehaviour], colours: Sequence[str]) -> None:
    """Draw the median of the peak force of every policy, and a line to its 90th percentile."""
    axes.set_xlabel("peak contact force [N]\nmedian to 90th percentile", **_SIZES)
    largest = 1.0
    for y, (each, colour) in enumerate(zip(block, colours, strict=True)):
        median, high = each.row.peak_force_median, each.row.peak_force_p90
        if median is not None and high is not None:
            axes.plot([median, high], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
            axes.plot(median, y, "o", color=colour)
            axes.plot(high, y, "|", color=colour, markersize=8, markeredgewidth=1.6)
            largest = max(largest, high)
    # Zero is on the axis: a hand may touch nothing.
    axes.set_xscale("symlog", linthresh=1.0, linscale=0.5)
    ticks = [0.0, *(10.0**k for k in range(7) if 10.0 ** (k - 1) < 1.5 * largest)]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_force_text))
    axes.set_xlim(-0.15, 1.6 * largest)


def _draw_drops(axes: Axes, block: Sequence[CellBehaviour], colours: Sequence[str]) -> None:
    """Draw the mean number of drops of every policy with its interval."""
    axes.set_xlabel("drops per episode\nmean, 95 % interval", **_SIZES)
    if all(each.row.drops is None for each in block):
        _say(axes, "nothing to drop")
        return
    largest = 0.1
    for y, (each, colour) in enumerate(zip(block, colours, strict=True)):
        row = each.row
        if row.drops is not None and row.drops_low is not None and row.drops_high is not None:
            interval = [row.drops_low, row.drops_high]
            axes.plot(interval, [y, y], color=colour, linewidth=2, solid_capstyle="butt")
            axes.plot(row.drops, y, "o", color=colour, clip_on=False)
            largest = max(largest, row.drops_high)
    axes.set_xlim(0.0, 1.08 * largest)


def _say(axes: Axes, text: str) -> None:
    """Write a text instead of what cannot be drawn."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="#888888")
    axes.set_xticks([])
    axes.set_xlabel("")


def _force_text(value: float, _: int) -> str:
    """Format a force, with k for thousands."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
