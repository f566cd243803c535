"""Figures in Chromium: drawn when they are near, told in words, and safe from hostile names."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from fmbench.report.page.figures import charts_of, figure_sections
from fmbench.report.page.shell import render_page
from tests.fmbench.report.page.browser.axe import violations
from tests.fmbench.report.page.browser.conftest import PHONE, OpenPage
from tests.fmbench.report.page.small_runs import acted_run, made_run, named, solved_run

pytestmark = pytest.mark.browser

HOSTILE = "<b>x</b><script>alert(1)</script>&lt;%{y}"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a page with every figure; a policy and a run have hostile names."""
    folder = tmp_path_factory.mktemp("figures")
    one = made_run(folder / "one")
    look = {"label": HOSTILE, "colour": "#000000", "place": 0}
    run = dataclasses.replace(one.results.run, policies={"flow": look}, config={})
    hostile = dataclasses.replace(
        one, name=HOSTILE, results=dataclasses.replace(one.results, run=run)
    )
    hostile = named(HOSTILE, hostile.results, demos=10)
    dial = made_run(folder / "dial", "dial", task=["TurnDial"])
    runs = [one, dial, hostile, acted_run(folder / "acted")]
    page = folder / "report.html"
    page.write_text(render_page("Figures", figure_sections(runs)), encoding="utf-8")
    return page


def _plots(page: Any) -> list[Any]:
    """Scroll through the figures, and return their plots when all are drawn."""
    plots: list[Any] = page.locator("#figures .plot").all()
    for plot in plots:
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
    return plots


def _hover(page: Any, name: str) -> str:
    """Point at the first marker of a figure, and return what is said."""
    chart = page.locator(f"#figures-{name}")
    chart.locator(".plot").scroll_into_view_if_needed()
    box = chart.locator(".scatterlayer .points path").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    said = chart.locator(".hoverlayer .hovertext")
    said.first.wait_for()
    return str(said.first.text_content())


@pytest.mark.parametrize("dark", [False, True])
def test_all_figures_are_drawn_without_an_error_or_a_request(
    open_page: OpenPage, path: Path, dark: bool
) -> None:
    opened = open_page(path, PHONE, dark=dark)
    assert len(_plots(opened.page)) == 7
    wide = opened.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE[0]
    assert opened.errors == []
    assert opened.outside() == []


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_grave_is_found(open_page: OpenPage, path: Path, dark: bool) -> None:
    page = open_page(path, dark=dark).page
    _plots(page)
    for summary in page.locator("#figures details.numbers summary").all():
        summary.click()
    page.locator("#figures .legend button").first.click()
    assert violations(page) == []


def test_a_figure_is_drawn_when_it_comes_near(open_page: OpenPage, path: Path) -> None:
    page = open_page(path).page
    page.locator("#figures-nfe .main-svg").first.wait_for()
    last = page.locator("#figures-retention .plot")
    assert last.locator("svg").count() == 0
    last.scroll_into_view_if_needed()
    last.locator(".main-svg").first.wait_for()


@pytest.mark.parametrize("name", ["nfe", "latency", "demonstrations", "delay"])
def test_a_point_tells_its_episodes_seeds_and_interval(
    open_page: OpenPage, path: Path, name: str
) -> None:
    page = open_page(path).page
    _plots(page)
    text = _hover(page, name)
    assert "n = 40 episodes" in text
    assert "2 training seeds" in text
    assert re.search(r"95 % interval: \d\.\d{3}–\d\.\d{3}", text)
    assert "over seeds 95 %" in text


def test_a_cell_of_the_heat_map_tells_them_too(open_page: OpenPage, path: Path) -> None:
    page = open_page(path).page
    _plots(page)
    chart = page.locator("#figures-retention")
    text = chart.locator(".scatterlayer .textpoint text").nth(1)
    text.scroll_into_view_if_needed()
    text.hover(force=True)
    said = chart.locator(".hoverlayer .hovertext")
    said.first.wait_for()
    words = str(said.first.text_content())
    assert "Retention: " in words
    assert "2 training seeds and n = 20 episodes of each" in words


def test_names_are_text_wherever_they_stand(open_page: OpenPage, path: Path) -> None:
    opened = open_page(path)
    page = opened.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    _plots(page)
    chart = page.locator("#figures-nfe")
    label = chart.locator("optgroup").nth(1).get_attribute("label")
    assert label == HOSTILE
    chart.locator("select").select_option("2")
    assert HOSTILE in chart.locator(".legend").text_content()
    assert HOSTILE in _hover(page, "nfe")
    chart.locator("details.numbers summary").click()
    assert HOSTILE in chart.locator("table").first.text_content()
    page.locator("#figures-demonstrations .plot").scroll_into_view_if_needed()
    assert page.locator("#figures b").count() == 0
    assert dialogs == []
    assert opened.errors == []


def test_the_part_is_chosen_by_keyboard(open_page: OpenPage, path: Path) -> None:
    page = open_page(path).page
    _plots(page)
    chart = page.locator("#figures-nfe")
    select = chart.get_by_label("Task", exact=True)
    assert select.input_value() == "0"
    chart.locator("details.numbers summary").click()
    assert chart.locator("caption").text_content() == "LiftCube"
    select.focus()
    page.keyboard.press("ArrowDown")
    assert select.input_value() == "1"
    assert chart.locator("caption").text_content() == "TurnDial"
    page.keyboard.press("ArrowDown")
    assert "demos is 50 in one and 10 in" in chart.locator(".note").text_content()


def test_lines_are_hidden_by_keyboard(open_page: OpenPage, path: Path) -> None:
    page = open_page(path).page
    _plots(page)
    chart = page.locator("#figures-nfe")
    traces = chart.locator(".scatterlayer .trace")
    before = traces.count()
    button = chart.locator(".legend button").first
    button.focus()
    page.keyboard.press("Space")
    assert button.get_attribute("aria-pressed") == "false"
    assert traces.count() == before - 1
    chart.get_by_role("button", name="Hide all").click()
    chart.get_by_role("button", name="Show all").click()
    assert button.get_attribute("aria-pressed") == "true"
    assert traces.count() == before


def test_the_table_has_the_numbers_of_the_part(open_page: OpenPage, path: Path) -> None:
    page = open_page(path).page
    chart = page.locator("#figures-nfe")
    chart.locator("details.numbers summary").click()
    rows = chart.locator("tbody tr").all_inner_texts()
    assert len(rows) == 10
    header = chart.locator("th").all_inner_texts()
    assert header == ["Policy", "NFE per chunk", "Success rate", "95 % interval", "Of"]
    assert all("n = " in row and "95 %" in row for row in rows)


def test_the_script_rounds_as_tables_do(open_page: OpenPage, tmp_path: Path) -> None:
    """A sixteenth lies half-way between two numbers of three digits."""
    times = {"flow": [1.0] * 3 + [2.0] + [None] * 12, "bc": [1.0] + [None] * 15}
    run = named("run", solved_run(tmp_path / "run", times))
    chart = next(chart for chart in charts_of([run]) if chart.name == "time")
    expected = [list(row) for row in chart.table(chart.panels[0])]
    assert {row[2] for row in expected} == {"0.000", "0.062", "0.188", "0.250"}
    path = tmp_path / "report.html"
    path.write_text(render_page("Figures", figure_sections([run])), encoding="utf-8")
    shown = open_page(path).page.locator("#figures-time details.numbers")
    shown.locator("summary").click()
    shown.locator("tbody tr").first.wait_for()
    rows = [row.locator("th, td").all_inner_texts() for row in shown.locator("tbody tr").all()]
    assert rows == expected


def test_the_button_that_saves_a_picture_works(open_page: OpenPage, path: Path) -> None:
    opened = open_page(path)
    page = opened.page
    _plots(page)
    for name in ("nfe", "retention"):
        plot = page.locator(f"#figures-{name} .plot")
        plot.scroll_into_view_if_needed()
        plot.hover(position={"x": 5, "y": 5})
        with page.expect_download() as started:
            plot.locator('.modebar-btn[data-title^="Download"]').click()
        saved = Path(started.value.path()).read_text(encoding="utf-8")
        assert saved.startswith("<svg")
        assert started.value.suggested_filename == f"{name}.svg"
    assert opened.errors == []


def test_no_button_sends_a_figure_anywhere(open_page: OpenPage, path: Path) -> None:
    page = open_page(path).page
    _plots(page)
    titles = page.locator("#figures .modebar-btn").evaluate_all(
        "buttons => [...new Set(buttons.map((button) => button.dataset.title))]"
    )
    assert sorted(titles) == ["Download plot", "Pan", "Reset axes", "Zoom", "Zoom in", "Zoom out"]


def test_every_button_of_a_figure_works(open_page: OpenPage, path: Path) -> None:
    opened = open_page(path)
    _plots(opened.page)
    plot = opened.page.locator("#figures-nfe .plot")
    tick = plot.locator(".ytick text").last
    plot.scroll_into_view_if_needed()
    before = plot.locator(".ytick text").all_inner_texts()
    for title in ("Zoom", "Pan", "Zoom in"):
        plot.hover(position={"x": 5, "y": 5})
        plot.locator(f'.modebar-btn[data-title="{title}"]').click()
    tick.wait_for()
    assert plot.locator(".ytick text").all_inner_texts() != before
    for title in ("Zoom out", "Reset axes"):
        plot.locator(f'.modebar-btn[data-title="{title}"]').click()
    opened.page.wait_for_timeout(300)
    assert plot.locator(".ytick text").all_inner_texts() == before
    assert opened.errors == []


def test_figures_follow_the_scheme_of_the_system(open_page: OpenPage, path: Path) -> None:
    page = open_page(path).page
    _plots(page)
    tick = page.locator("#figures-nfe .xtick text").first
    line = page.locator("#figures-time .legend path").first
    ink = tick.evaluate("text => getComputedStyle(text).fill")
    colour = line.get_attribute("stroke")
    expect = pytest.importorskip("playwright.sync_api").expect
    page.emulate_media(color_scheme="dark")
    expect(tick).not_to_have_css("fill", ink)
    expect(line).not_to_have_attribute("stroke", colour)
    page.emulate_media(color_scheme="light")
    expect(tick).to_have_css("fill", ink)
    expect(line).to_have_attribute("stroke", colour)


def test_print_shows_the_static_figures_alone(open_page: OpenPage, path: Path) -> None:
    page = open_page(path).page
    assert not page.locator("#figures .static").first.is_visible()
    page.emulate_media(media="print")
    assert all(one.is_visible() for one in page.locator("#figures .static svg").all())
    hidden = "#figures :is(.plot, .choice, .legend, .numbers)"
    assert not any(one.is_visible() for one in page.locator(hidden).all())


def test_without_scripts_there_are_pictures_and_numbers(open_page: OpenPage, path: Path) -> None:
    page = open_page(path, PHONE, dark=True, java_script_enabled=False).page
    assert page.locator("#figures .static svg").count() == 7
    assert page.locator("#figures .static svg").first.is_visible()
    assert not page.locator("#figures .plot").first.is_visible()
    summary = page.locator("#figures-nfe details:not(.numbers) summary")
    summary.click()
    assert "over seeds 95 %" in page.locator("#figures-nfe table").first.inner_text()
