"""The section of the figures: each is drawn by a script, and has numbers in words and in print."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import jinja2
from markupsafe import Markup

from fmbench.report.groups import Named
from fmbench.report.page.charts.as_data import Texts, chart_data
from fmbench.report.page.charts.chart import Chart, Panel
from fmbench.report.page.charts.delay import delay_chart
from fmbench.report.page.charts.demonstrations import demonstrations_chart
from fmbench.report.page.charts.latency import latency_chart
from fmbench.report.page.charts.matrix import matrix_parts
from fmbench.report.page.charts.nfe import nfe_chart
from fmbench.report.page.charts.profiles import profiles_chart
from fmbench.report.page.charts.retention import retention_chart
from fmbench.report.page.charts.svg import MOST_PANELS, static_svg
from fmbench.report.page.charts.svg_heat import static_heat
from fmbench.report.page.charts.time import time_chart
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.section import PageSection
from fmbench.report.page.shell import environment

INTRODUCTION = (
    "A point or line tells its episodes, its training seeds and its interval when it is pointed "
    "at, and the table below each figure has the same numbers. Names above a figure hide and show "
    "its lines. Runs that differ in more than a figure compares are drawn apart."
)


def figure_sections(runs: Sequence[NamedRun]) -> list[PageSection]:
    """Return the section of the figures; none where no run has data for one.

    Args:
        runs: The runs of the page, in order.
    """
    charts = charts_of(runs)
    if not charts:
        return []
    texts = Texts()
    data = [chart_data(chart, texts) for chart in charts]
    templates = environment()
    html = templates.get_template("figures.html").render(
        introduction=INTRODUCTION, charts=[_as_html(chart) for chart in charts]
    )
    sources = [_source(templates, name) for name in ("figures_plot.js", "figures.js")]
    return [
        PageSection(
            "figures",
            "Figures",
            Markup(html),
            _source(templates, "figures.css"),
            "\n".join(sources),
            {"texts": list(texts.all), "charts": data},
            ("plotly",),
        )
    ]


def _source(templates: jinja2.Environment, name: str) -> str:
    """Return the text of a file that is no template."""
    assert templates.loader is not None
    return templates.loader.get_source(templates, name)[0]


def charts_of(runs: Sequence[NamedRun]) -> list[Chart]:
    """Return the figures for which some runs have data."""
    named = list(_named(runs))
    parts = matrix_parts(named)
    charts = (
        nfe_chart(parts),
        latency_chart(named),
        demonstrations_chart(named),
        delay_chart(named),
        time_chart(parts),
        profiles_chart(named),
        retention_chart(named),
    )
    return [chart for chart in charts if chart]


def _named(runs: Sequence[NamedRun]) -> Iterator[Named]:
    """Yield the runs, names that repeat with a number."""
    seen: dict[str, int] = {}
    for run in runs:
        seen[run.name] = count = seen.get(run.name, 0) + 1
        yield (run.name if count == 1 else f"{run.name} ({count})"), run.results


def _as_html(chart: Chart) -> dict[str, Any]:
    """Return what the template reads of a figure."""
    printed = chart.panels[:1] if chart.panels[0].heat else chart.panels[:MOST_PANELS]
    left_out = len(chart.panels) - len(printed)
    values = {field.name: getattr(chart, field.name) for field in dataclasses.fields(chart)}
    return values | {
        "header": chart.header,
        "groups": [(group, list(places)) for group, places in _groups(chart.panels)],
        "svg": static_heat(chart) if chart.panels[0].heat else static_svg(chart),
        "left_out": f"{left_out} further parts are on the page with scripts." * (left_out > 0),
        "tables": [(panel, chart.table(panel)) for panel in printed],
    }


def _groups(panels: Sequence[Panel]) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield the groups of panels, each with places and titles."""
    placed = enumerate(panels)
    for group, members in itertools.groupby(placed, key=lambda each: each[1].group):
        yield group, [(place, panel.title) for place, panel in members]
