"""What a figure shows, however it is drawn: panels of series, or of cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from fmbench.report.counted import counted

Numbers = tuple[float, ...]
Bounds = tuple[float | None, ...]
LINE, POINTS, STEPS, LEVEL, FRONT = "line", "points", "steps", "level", "front"
"""Kinds of series: joined points, points, a step function, the same for any x, a Pareto front."""


@dataclasses.dataclass(frozen=True)
class Series:
    """One line of a panel.

    Attributes:
        name: What it is.
        colour: `#RRGGBB`.
        x: Places on the horizontal axis.
        y: Rates in [0, 1].
        low: Lower bounds of their intervals; None where there is none, as of broken cells.
        high: Upper bounds.
        notes: Episodes, training seeds and kind of interval, of every point or one for all.
        kind: One of the kinds above.
        look: Which marker and dash it has, from 0.
        at: What x means, where points are shifted or the axis is not in its unit.
        broken: Places of points that say nothing about the policy.
    """

    name: str
    colour: str
    x: Numbers
    y: Numbers
    low: Bounds
    high: Bounds
    notes: tuple[str, ...]
    kind: str = LINE
    look: tuple[int, int] = (0, 0)
    at: Numbers = ()
    broken: tuple[int, ...] = ()

    def note(self, place: int) -> str:
        """Return the note of a point."""
        return self.notes[place if len(self.notes) > 1 else 0]

    def value_of_x(self, place: int) -> float:
        """Return the value at a place of the horizontal axis."""
        return self.at[place] if self.at else self.x[place]


@dataclasses.dataclass(frozen=True)
class Axis:
    """The horizontal axis of a panel.

    Attributes:
        ticks: Places of its labels.
        labels: The labels.
        sides: Its ends.
        is_log: Whether it is logarithmic; its ends are above 0 then.
    """

    ticks: Numbers
    labels: tuple[str, ...]
    sides: tuple[float, float]
    is_log: bool = False


@dataclasses.dataclass(frozen=True)
class HeatCell:
    """A cell of a heat map.

    Attributes:
        row: Its line, from 0.
        column: Its column, from 0.
        value: What its colour shows, in [0, 1]; None without.
        text: What is written in it.
        parts: Value, interval and note of the table.
    """

    row: int
    column: int
    value: float | None
    text: str
    parts: tuple[str, str, str]


@dataclasses.dataclass(frozen=True)
class Heat:
    """Cells with their names; the first axis is drawn downwards."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[HeatCell, ...]


@dataclasses.dataclass(frozen=True)
class Panel:
    """One part of a figure; a reader chooses it.

    Attributes:
        title: What it is about, such as its task.
        group: The runs of which it is; empty if all are in one group.
        note: Why its runs are not drawn with the others, and what to mind.
        series: Its lines.
        axis: Its horizontal axis.
        heat: Its cells, if it is a heat map; it has no lines then.
    """

    title: str
    group: str
    note: str
    series: tuple[Series, ...] = ()
    axis: Axis | None = None
    heat: Heat | None = None


@dataclasses.dataclass(frozen=True)
class Chart:
    """A figure of the page.

    Attributes:
        name: Its identifier.
        title: Its heading.
        says: What it shows and how to read it, in sentences.
        x_label: What is on the horizontal axis, with its unit.
        y_label: What is on the vertical axis.
        panels: Its parts; at least one.
        choose: What a reader chooses among the parts.
        every: Only every so many points of a curve are in the table.
    """

    name: str
    title: str
    says: str
    x_label: str
    y_label: str
    panels: tuple[Panel, ...]
    choose: str = "Task"
    every: int = 1

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns of its table."""
        if self.panels[0].heat:
            return "Disturbance", "Policy", self.y_label, "95 % interval", "Of"
        return "Policy", self.x_label, self.y_label, "95 % interval", "Of"

    def table(self, panel: Panel) -> list[tuple[str, ...]]:
        """Return the numbers of a panel, in lines of texts."""
        if heat := panel.heat:
            return [(heat.rows[c.row], heat.columns[c.column], *c.parts) for c in heat.cells]
        return [row for series in panel.series for row in self._rows(series)]

    def _rows(self, series: Series) -> Iterable[tuple[str, ...]]:
        if series.kind == FRONT:
            return
        places = [0] if series.kind == LEVEL else range(0, len(series.x), self.every)
        for i in places:
            x = "any" if series.kind == LEVEL else f"{series.value_of_x(i):.4g}"
            yield series.name, x, f"{series.y[i]:.3f}", interval_text(series, i), series.note(i)


def interval_text(series: Series, place: int) -> str:
    """Return the interval of a point, or that it has none."""
    low, high = series.low[place], series.high[place]
    if place in series.broken:
        return "broken"
    return "–" if low is None or high is None else f"{low:.3f}–{high:.3f}"


def note_of(episodes: int, train_seeds: int, kind: str) -> str:
    """Return the note of a rate.

    Args:
        episodes: All of its episodes.
        train_seeds: Its training seeds; 0 of what is not trained.
        kind: The kind of its interval; empty without one.
    """
    seeds = counted(train_seeds, "training seed") if train_seeds else "no seed"
    parts = [f"n = {counted(episodes, 'episode')}", seeds, kind]
    return ", ".join(filter(None, parts))


def level(name: str, colour: str, axis: Axis, row: Any, note: str, dash: int) -> Series:
    """Return what is the same for any x: the rate of a row with its interval."""
    left, right = axis.sides
    steps = [i / 12 for i in range(13)]
    x = [left * (right / left) ** s if axis.is_log else left + (right - left) * s for s in steps]
    n = len(x)
    return Series(
        name, colour, tuple(x), (float(row.success_rate),) * n, (float(row.low),) * n,
        (float(row.high),) * n, (note,), LEVEL, (0, dash),
    )  # fmt: skip


def finite(values: Iterable[Any]) -> Bounds:
    """Return numbers, and None for those that are missing."""
    return tuple(None if v is None or v != v else float(v) for v in values)


def numbers(values: Iterable[Any], digits: int = 6) -> Numbers:
    """Return numbers as they are written into the page, with so many digits after the point."""
    return tuple(round(float(value), digits) for value in values)


def titles(parts: Sequence[str]) -> str:
    """Join the parts of a panel's title that are not empty."""
    return ", ".join(filter(None, parts))
