"""Figures of the page: what they show, exact numbers on small runs, and their form in the page."""

import dataclasses
import json
from xml.etree import ElementTree

import numpy as np
import pytest

from fmbench.report.delay.stated import stated_rows
from fmbench.report.disturbances.of_runs import disturbances_of_runs
from fmbench.report.page.charts.as_data import Texts, chart_data
from fmbench.report.page.charts.chart import FRONT, LEVEL, Chart
from fmbench.report.page.charts.matrix import REFERENCE_NAMES, matrix_parts
from fmbench.report.page.charts.nfe import nfe_chart
from fmbench.report.page.figures import charts_of, figure_sections
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.shell import as_json, render_page
from tests.fmbench.report.page.small_runs import acted_run, made_run, named, solved_run

HOSTILE = "<script>alert(1)</script>&%{x}"


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> NamedRun:
    return made_run(tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def acted(tmp_path_factory) -> NamedRun:
    return acted_run(tmp_path_factory.mktemp("acted"))


@pytest.fixture(scope="module")
def runs(one, acted, tmp_path_factory) -> list[NamedRun]:
    other = made_run(tmp_path_factory.mktemp("dial"), "dial", task=["TurnDial"])
    few = named("few", one.results, demos=10)
    return [one, other, few, named("again", one.results), acted]


def _chart(runs, name) -> Chart:
    return next(chart for chart in charts_of(runs) if chart.name == name)


def test_figures_are_there_where_their_data_are(one, acted, runs):
    assert [chart.name for chart in charts_of([one])] == ["nfe", "latency", "time"]
    assert [chart.name for chart in charts_of([acted])] == ["nfe", "delay", "time", "retention"]
    assert [chart.name for chart in charts_of(runs)] == [
        "nfe",
        "latency",
        "demonstrations",
        "delay",
        "time",
        "profiles",
        "retention",
    ]
    assert charts_of([]) == []
    assert figure_sections([]) == []


def test_points_over_nfe_are_those_of_the_summary(one):
    (panel,) = _chart([one], "nfe").panels
    summary = one.results.summary
    found = {(s.name, s.value_of_x(i)): s for s in panel.series for i in range(len(s.x))}
    for row in summary[~summary["policy"].isin(["expert", "random"])].itertuples():
        series = found[f"{row.policy}, {row.sampler}", row.nfe]
        place = [series.value_of_x(i) for i in range(len(series.x))].index(row.nfe)
        assert (series.y[place], series.low[place]) == (
            pytest.approx(row.success_rate),
            pytest.approx(row.low),
        )
        assert series.note(place) == "n = 40 episodes, 2 training seeds, over seeds 95 %"
    levels = [series.name for series in panel.series if series.kind == LEVEL]
    assert levels == ["expert (ceiling)", "random (floor)"]
    assert panel.title == "LiftCube"
    assert panel.group == ""


def test_points_of_many_lines_stay_near_their_number(one):
    (panel,) = _chart([one], "nfe").panels
    (part,) = matrix_parts([("one", one.results)])
    rows = [r._replace(sampler=f"{r.sampler}{i}") for r in part.rows for i in range(8)]
    chart = nfe_chart([dataclasses.replace(part, rows=tuple(rows))])
    for series in (*panel.series, *chart.panels[0].series):
        factors = [x / at for x, at in zip(series.x, series.at, strict=True)] if series.at else [1]
        assert all(1 / 1.2 < factor < 1.2 for factor in factors)
        left, right = panel.axis.sides
        assert all(left <= x <= right for x in series.x)


def test_the_front_of_latency_has_what_nothing_beats(one):
    (panel,) = _chart([one], "latency").panels
    (front,) = [series for series in panel.series if series.kind == FRONT]
    learned = one.results.summary[one.results.summary["latency_ms_p95"].notna()]
    for x, y in zip(front.x, front.y, strict=True):
        cheaper = learned[learned["latency_ms_p95"] < x - 1e-5]["success_rate"]
        assert (cheaper < y).all()
    assert front.y[-1] == pytest.approx(learned["success_rate"].max())
    assert list(front.x) == sorted(front.x)
    note = next(s for s in panel.series if s.name == "flow, mlp").note(0)
    assert note.startswith("euler 1, NFE 1, median 0.46 ms, n = 40 episodes, 2 training seeds")


def test_a_number_of_demonstrations_is_that_of_its_run(one):
    few = named("few", one.results, demos=10)
    (panel,) = _chart([one, few], "demonstrations").panels
    flow = next(series for series in panel.series if series.name == "flow")
    assert flow.at == (10.0, 50.0)
    assert flow.y[0] == flow.y[1]
    assert flow.x[0] == pytest.approx(10, rel=0.1)
    assert panel.axis.labels == ("10", "50")


def test_delays_are_the_rows_of_the_table(acted):
    (panel,) = _chart([acted], "delay").panels
    rows = {(row.policy, row.delay): row for row in stated_rows([acted.results])}
    assert [series.name for series in panel.series] == ["flow, hold", "diffusion, hold", "bc, hold"]
    for series in panel.series:
        policy = series.name.split(",")[0]
        for i, delay in enumerate(series.at):
            row = rows[policy, int(delay)]
            assert (series.y[i], series.low[i], series.high[i]) == (
                pytest.approx(row.success_rate),
                row.low,
                row.high,
            )
    assert [s.y[1] < s.y[0] for s in panel.series] == [True] * 3


def test_curves_end_at_the_success_rate(tmp_path):
    results = solved_run(tmp_path, {"bc": [1.0, 2.0, None, None], "flow": [4.0, 4.0, 4.0, 4.0]})
    (panel,) = _chart([named("run", results)], "time").panels
    shares = {series.name: dict(zip(series.x, series.y, strict=True)) for series in panel.series}
    assert [shares["bc"][t] for t in (0.0, 0.9, 1.0, 1.9, 2.0, 4.0)] == [0, 0, 0.25, 0.25, 0.5, 0.5]
    assert [shares["flow"][t] for t in (3.9, 4.0)] == [0, 1]
    assert all("n = 4 episodes, 1 training seed" in series.note(0) for series in panel.series)


def test_expert_and_random_actions_have_no_training_seed(one):
    (panel,) = _chart([one], "time").panels
    seeds = {series.name: "no seed" in series.note(0) for series in panel.series}
    assert {name for name, none in seeds.items() if none} == set(REFERENCE_NAMES.values())
    assert len(seeds) > 2


def test_bounds_are_as_exact_as_in_tables(one):
    chart = _chart([one], "nfe")
    (panel,) = chart.panels
    odd = dataclasses.replace(panel.series[0], low=(0.7144941,), high=(0.9484693,))
    panel = dataclasses.replace(panel, series=(odd,))
    data = chart_data(dataclasses.replace(chart, panels=(panel,)), Texts())
    (series,) = data["panels"][0]["series"]
    assert (series["low"], series["high"]) == ([0.714494], [0.948469])


def test_profiles_are_shares_of_scores(runs):
    chart = _chart(runs[:2], "profiles")
    (panel,) = chart.panels
    assert panel.title == "2 tasks, mlp"
    assert "Tasks: LiftCube, TurnDial" in panel.note
    for series in panel.series:
        rates = np.array(
            [
                float(rate)
                for run in runs[:2]
                for row in run.results.summary.itertuples()
                if row.headline and row.policy == series.name
                for rate in row.seed_rates.split()
            ]
        )
        assert series.y == pytest.approx([(rates > x).mean() for x in series.x[:-1]] + [0.0])


def test_cells_of_the_heat_map_are_retentions(acted):
    (panel,) = _chart([acted], "retention").panels
    _, rows = disturbances_of_runs([acted.results])
    assert panel.heat.rows == ("mass=2",)
    assert panel.heat.columns == ("flow", "diffusion", "bc", "expert")
    values = {panel.heat.columns[cell.column]: cell.value for cell in panel.heat.cells}
    for row in rows:
        kept = None if row.retention is None else pytest.approx(min(1, row.retention), abs=1e-3)
        assert values[row.policy] == kept
    assert all("n = 20 episodes" in cell.parts[2] for cell in panel.heat.cells)


def test_runs_that_differ_have_panels_of_their_own_and_words(runs):
    panels = _chart(runs[:4], "nfe").panels
    assert [(panel.title, panel.group) for panel in panels] == [
        ("LiftCube", "one and 1 more run"),
        ("TurnDial", "one and 1 more run"),
        ("LiftCube", "few"),
        ("LiftCube", "again"),
    ]
    assert "demos is 50 in one and 10 in few" in panels[2].note
    assert "both have bc on LiftCube with mlp and 2 more" in panels[3].note


def test_a_broken_cell_has_no_interval(one):
    episodes = one.results.episodes
    is_bc = episodes["policy"] == "bc"
    rows = [r for r in matrix_parts([("one", one.results)])[0].rows if r.policy == "bc"]
    assert is_bc.any()
    assert not rows[0].broken
    part = matrix_parts([("one", one.results)])[0]
    broken = tuple(r._replace(broken=True, low=r.success_rate) for r in part.rows)
    chart = nfe_chart([dataclasses.replace(part, rows=broken)])
    assert chart is not None
    table = chart.table(chart.panels[0])
    assert {row[3] for row in table if row[0] == "bc, direct"} == {"broken"}


def test_table_has_every_point_once_with_n_seeds_and_interval(one):
    chart = _chart([one], "nfe")
    table = chart.table(chart.panels[0])
    assert len(table) == len(one.results.summary)
    assert chart.header == ("Policy", "NFE per chunk", "Success rate", "95 % interval", "Of")
    assert all("n = " in row[4] and "95 %" in row[4] for row in table)


def test_data_are_json_and_curves_share_their_times(runs):
    texts = Texts()
    for chart in charts_of(runs):
        data = json.loads(as_json(chart_data(chart, texts)))
        for panel in data["panels"]:
            for series in panel.get("series", ()):
                x = series["x"]
                x = panel["series"][x]["x"] if isinstance(x, int) else x
                assert len(x) == len(series["y"])
    assert len(texts.all) == len(set(texts.all))


def test_static_figures_are_well_formed_and_hold_text_only(runs):
    hostile = [NamedRun(HOSTILE, run.folder, run.results) for run in runs]
    (section,) = figure_sections(hostile)
    html = str(section.html)
    assert "<script" not in html
    pictures = html.split("<svg ")[1:]
    assert len(pictures) == 7
    for text in pictures:
        ElementTree.fromstring("<svg " + text.partition("</svg>")[0] + "</svg>")
    page = render_page("Runs", [dataclasses.replace(section, libraries=())])
    assert "<script>alert" not in page


def test_the_section_is_the_same_each_time(runs):
    assert figure_sections(runs) == figure_sections(runs)
