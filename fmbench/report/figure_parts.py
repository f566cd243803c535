"""Parts that figures share: panels, legends, looks of references and broken cells, axes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from fmbench.storage.rows import REFERENCES

WIDTH_IN = 8.5
_PANEL_COLUMNS = 3
_LEGEND_WIDTH = 0.98
"""Largest width of a legend, as a share of the figure's."""
_LEGEND_LINE_IN = 0.2
"""Height of a line of a legend [inch]."""
NFE_LABEL = "network evaluations per chunk (NFE)"
REFERENCE_STYLES: dict[str, dict[str, Any]] = {
    "expert": {"color": "#444444", "linestyle": (0, (5, 2)), "linewidth": 1.3},
    "random": {"color": "#999999", "linestyle": (0, (1, 1.5)), "linewidth": 1.6},
}
BROKEN_STYLE: dict[str, Any] = {
    "color": "black", "linestyle": "", "marker": "x", "markersize": 9, "markeredgewidth": 1.6,
    "zorder": 5,
}  # fmt: skip
_SEED_STYLE: dict[str, Any] = {
    "linestyle": "", "marker": "o", "markersize": 3.6, "markeredgecolor": "white",
    "markeredgewidth": 0.5, "zorder": 1.9,
}  # fmt: skip


def broken_handles(is_broken: Iterable[bool]) -> list[Line2D]:
    """Return the legend entry of broken cells, if there are any."""
    return [Line2D([], [], label="broken, see below", **BROKEN_STYLE)] if any(is_broken) else []


def reference_handles(present: Collection[str]) -> list[Line2D]:
    """Return the legend entries of the expert and random actions, if they were run."""
    names = {"expert": "expert (ceiling)", "random": "random (floor)"}
    return [
        Line2D([], [], label=names[p], **REFERENCE_STYLES[p]) for p in REFERENCES if p in present
    ]


def seed_dots(
    axes: Axes, position: float, seed_rates: str, colour: str, along: Literal["x", "y"] = "y"
) -> None:
    """Draw every training seed of a method as a small dot at its success rate; nothing of one seed.

    Args:
        axes: The axes to draw on.
        position: Their place on the other axis.
        seed_rates: The rates, separated by spaces, as in the summary.
        colour: The colour of the policy.
        along: The axis of success rates.
    """
    rates = [float(rate) for rate in seed_rates.split()]
    if len(rates) > 1:
        places = [position] * len(rates)
        axes.plot(
            *((places, rates) if along == "y" else (rates, places)), color=colour, **_SEED_STYLE
        )


def seed_handles(seed_rates: Iterable[str]) -> list[Line2D]:
    """Return the legend entry of the dots, if a row has several training seeds.

    Args:
        seed_rates: The rates of each row, as for `seed_dots`.
    """
    drawn = any(len(rates.split()) > 1 for rates in seed_rates)
    return [Line2D([], [], color="#777777", label="one training seed", **_SEED_STYLE)] * drawn


def nfe_axis(axes: Axes, top: float, first: float = 1.0) -> None:
    """Make the axis logarithmic, labelled with plain numbers of evaluations.

    Args:
        axes: The axes to change.
        top: Largest number of evaluations.
        first: Smallest position that is drawn; below 1 it means no evaluation and is labelled 0.
    """
    axes.set_xscale("log")
    ticks: list[float] = [
        t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if t <= max(top * 1.3, 2)
    ]
    ticks = [first, *ticks] if first < 1 else ticks
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x >= 1 else "0"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(0.75 * first, max(top, 2) * 1.35)


def legend_above(figure: Figure, handles: Sequence[Line2D]) -> None:
    """Place one legend above the figure."""
    legend_within(figure, handles, min(len(handles), 5))


def legend_within(figure: Figure | SubFigure, handles: Sequence[Line2D], columns: int) -> int:
    """Place one legend above a figure, in as many columns as fit; return the number of its lines.

    Args:
        figure: The figure or the part of one.
        handles: Its entries.
        columns: Most columns.
    """
    for ncols in range(columns, 0, -1):
        legend = figure.legend(handles=handles, loc="outside upper center", ncols=ncols)
        if ncols == 1 or legend.get_window_extent().width < _LEGEND_WIDTH * figure.bbox.width:
            return -(-len(handles) // ncols)
        legend.remove()
    return 0


def legend_with_room(figure: Figure, handles: Sequence[Line2D], columns: int) -> None:
    """Place a legend as `legend_within` does, and raise the figure by its lines after the first."""
    further = max(0, legend_within(figure, handles, columns) - 1)
    figure.set_figheight(figure.get_figheight() + _LEGEND_LINE_IN * further)


def panel_size(panels: int) -> tuple[float, float]:
    """Return the size of a figure of panels in inches."""
    return WIDTH_IN, 0.9 + 2.6 * -(-panels // _PANEL_COLUMNS)


def panels(
    figure: FigureBase, tasks: list[str], share_y: bool = False
) -> Iterator[tuple[Axes, str]]:
    """Yield a panel per task, in rows of three."""
    ncols = min(len(tasks), _PANEL_COLUMNS)
    grid = figure.subplots(-(-len(tasks) // ncols), ncols, squeeze=False, sharey=share_y)
    yield from zip(grid.flat, tasks, strict=False)
    for unused in grid.flat[len(tasks) :]:
        unused.remove()


def thousands(value: float, _: int) -> str:
    """Format a number of updates or steps for an axis, with k for thousands."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
