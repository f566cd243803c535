"""What the script of the figures reads: panels as plain values, texts that repeat once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fmbench.report.page.charts.chart import Chart, Panel, Series
from fmbench.report.page.charts.marks import DASHES, in_the_dark, symbol
from fmbench.report.page.charts.svg_heat import is_white


class Texts:
    """Texts of a page, each once."""

    def __init__(self) -> None:
        self.all: dict[str, int] = {}

    def place(self, text: str) -> int:
        """Return the place of a text."""
        return self.all.setdefault(text, len(self.all))


def chart_data(chart: Chart, texts: Texts) -> dict[str, Any]:
    """Return a figure.

    Args:
        chart: The figure.
        texts: Where its notes are gathered.
    """
    return {
        "name": chart.name,
        "title": chart.title,
        "x": chart.x_label,
        "y": chart.y_label,
        "every": chart.every,
        "header": chart.header,
        "panels": [_panel(panel, texts) for panel in chart.panels],
    }


def _panel(panel: Panel, texts: Texts) -> dict[str, Any]:
    runs = f"Runs: {panel.group}." if panel.group else ""
    note = " ".join(filter(None, (runs, panel.note)))
    values: dict[str, Any] = {"title": panel.title, "note": texts.place(note)}
    if panel.axis:
        axis = panel.axis
        values |= {"ticks": [axis.ticks, axis.labels], "sides": axis.sides, "log": axis.is_log}
    if heat := panel.heat:
        values |= {"rows": heat.rows, "columns": heat.columns}
        values["cells"] = [
            [c.row, c.column, c.value, c.text, int(is_white(c.value)), *c.parts] for c in heat.cells
        ]
        return values
    values["series"] = []
    places: dict[tuple[float, ...], int] = {}
    for series in panel.series:
        values["series"].append(_series(series, texts))
        # curves of one panel have the same times
        first = places.setdefault(series.x, len(values["series"]) - 1)
        if first < len(values["series"]) - 1 and not series.at:
            values["series"][-1]["x"] = first
    return values


def _series(series: Series, texts: Texts) -> dict[str, Any]:
    """Return a line; what is not there is left out."""
    values: dict[str, Any] = {
        "name": series.name,
        "kind": series.kind,
        "colour": series.colour,
        "symbol": symbol(series.look[0]),
        "dash": DASHES[series.look[1] % len(DASHES)],
        "x": _short(series.x),
        "y": _short(series.y),
        "notes": [texts.place(note) for note in dict.fromkeys(series.notes)],
    }
    if (dark := in_the_dark(series.colour)) != series.colour:
        values["dark"] = dark
    if len(values["notes"]) > 1:
        values["notes"] = [texts.place(note) for note in series.notes]
    if any(bound is not None for bound in series.low):
        values |= {"low": _short(series.low), "high": _short(series.high)}
    if series.at:
        values["at"] = _short(series.at)
    if series.broken:
        values["broken"] = series.broken
    return values


def _short(values: Iterable[float | None]) -> list[float | None]:
    """Return numbers with six digits after the point, as tables have; whole ones without.

    The script shows three digits: a number that were first rounded to four could differ from the
    tables by one in the last.
    """
    rounded = [None if value is None else round(value, 6) for value in values]
    return [int(value) if value is not None and value == int(value) else value for value in rounded]
