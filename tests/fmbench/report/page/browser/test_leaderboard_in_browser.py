"""The leaderboard in a browser: rows are sorted by number, filtered, paged, and made again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.fmbench.report.page.browser.conftest import OpenPage
from tests.fmbench.report.page.browser.pages import HOSTILE, page_of

pytestmark = pytest.mark.browser
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(tmp_path_factory.mktemp("four"), 4)


def heading(page: Any, title: str) -> Any:
    return page.locator("#leaderboard th[data-key]", has_text=title)


def column(page: Any, title: str) -> list[str]:
    """Return the texts of a column of the rows that are shown."""
    titles = page.locator("#leaderboard thead th").all_inner_texts()
    (place,) = (i for i, text in enumerate(titles) if text.strip().startswith(title))
    rows = page.locator("#leaderboard tbody tr").all()
    return [row.locator("th, td").nth(place).inner_text().strip() for row in rows]


def numbers(page: Any, title: str) -> list[float | None]:
    """Return the first number of each cell of a column; None for what has none."""
    found = [NUMBER.search(text) for text in column(page, title)]
    return [float(match.group()) if match else None for match in found]


@pytest.mark.parametrize("title", ["Success", "NFE", "Latency p50"])
def test_numbers_are_sorted_as_numbers_and_missing_ones_come_last(
    title: str, report: Path, open_page: OpenPage
) -> None:
    page = open_page(report).page
    page.locator("[data-cells]").select_option("all")
    seen = []
    for _ in range(2):
        heading(page, title).locator("button").click()
        seen.append(heading(page, title).get_attribute("aria-sort"))
        found = numbers(page, title)
        there = [value for value in found if value is not None]
        assert len(set(there)) > 3
        assert there == sorted(there, reverse=seen[-1] == "descending")
        assert found == there + [None] * (len(found) - len(there))
        assert page.locator("#leaderboard th[aria-sort='none']").count() == 11
    assert sorted(seen) == ["ascending", "descending"]


def test_filters_combine_and_can_be_cleared(report: Path, open_page: OpenPage) -> None:
    page = open_page(report).page
    everything = len(column(page, "Task"))
    for name, value in (("task", "PressEither"), ("backbone", "mlp"), ("policy", "flow")):
        page.locator(f"select[data-key='{name}']").select_option(value)
    page.wait_for_timeout(200)
    assert set(column(page, "Task")) == {"PressEither"}
    assert set(column(page, "Backbone")) == {"mlp"}
    assert column(page, "Policy") == ["flow", "flow"]
    page.locator("[data-text]").fill("run-2 flow")
    page.wait_for_timeout(200)
    (run,) = column(page, "Run")
    assert "run-2" in run
    page.locator("[data-text]").fill("nothing has this name")
    page.wait_for_timeout(200)
    assert page.locator("[data-count]").inner_text().startswith("No row")
    page.locator("button[type=reset]").click()
    page.wait_for_timeout(200)
    assert len(column(page, "Task")) == everything


def test_filters_of_numbers(report: Path, open_page: OpenPage) -> None:
    page = open_page(report).page
    page.locator("[data-cells]").select_option("all")
    page.locator("select[data-key='nfe_text']").select_option("10")
    page.wait_for_timeout(200)
    assert set(column(page, "NFE")) == {"10"}
    page.locator("select[data-key='nfe_text']").select_option("")
    page.locator("[data-most]").fill("1.2")
    page.wait_for_timeout(200)
    assert {value for value in numbers(page, "Latency") if value is not None} <= {0.46, 1.06}
    assert None not in numbers(page, "Latency")


def test_a_row_shows_its_command_and_where_its_rows_are(report: Path, open_page: OpenPage) -> None:
    opened = open_page(report, permissions=["clipboard-read", "clipboard-write"])
    page = opened.page
    row = page.locator("#leaderboard tbody tr", has_text="flow").first
    button = row.locator("button", has_text="Command")
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    more = page.locator("#leaderboard td.more")
    command = more.locator("code").inner_text()
    assert re.fullmatch(r"python -m fmbench.run --policy flow --out 'run \d'", command)
    page.set_viewport_size({"width": 800, "height": 600})
    shown = page.locator("#leaderboard .table").bounding_box()
    for part in more.locator("p, pre").all():  # without scrolling the table sideways
        box = part.bounding_box()
        assert box["x"] + box["width"] <= shown["x"] + shown["width"]
    more.locator("button", has_text="Copy").click()
    more.locator("button", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == command
    assert page.locator("#announcements").inner_text() == "Copied."
    file = report.parent / more.locator("a").get_attribute("href")
    first, last = map(int, re.search(r"lines (\d+)-(\d+)", more.inner_text()).groups())
    lines = file.read_text(encoding="utf-8").splitlines()[first - 1 : last]
    assert len(lines) == 20
    assert all(",flow,euler,10," in line for line in lines)
    button.click()
    assert page.locator("#leaderboard td.more").count() == 0
    assert opened.errors == []


def test_two_hundred_runs_are_shown_in_pages(
    tmp_path_factory: pytest.TempPathFactory, open_page: OpenPage
) -> None:
    report = page_of(tmp_path_factory.mktemp("many"), 200)
    opened = open_page(report)
    page = opened.page
    assert page.locator("#leaderboard tbody tr").count() == 50
    assert page.locator("[data-count]").inner_text().startswith("Rows 1 to 50 of 1250;")
    following, previous = (page.locator(f"[data-step='{step}']") for step in (1, -1))
    assert previous.get_attribute("aria-disabled") == "true"
    following.click()
    assert page.locator("[data-count]").inner_text().startswith("Rows 51 to 100 of 1250;")
    previous.click()
    heading(page, "NFE").locator("button").click()
    assert page.locator("[data-count]").inner_text().startswith("Rows 1 to 50")
    assert (opened.errors, opened.outside()) == ([], [])
    assert report.stat().st_size < 15e6


@pytest.mark.parametrize(("count", "rows"), [(0, 0), (1, 10), (20, 50)])
def test_any_number_of_runs_is_a_page(
    count: int, rows: int, tmp_path: Path, open_page: OpenPage
) -> None:
    opened = open_page(page_of(tmp_path, count))
    assert (opened.errors, opened.outside()) == ([], [])
    assert opened.page.locator("#leaderboard h2, #provenance h2").count() == 2
    assert opened.page.locator("#leaderboard tbody tr").count() == rows


def test_every_button_can_be_pressed(report: Path, open_page: OpenPage) -> None:
    opened = open_page(report, permissions=["clipboard-read", "clipboard-write"])
    for button in opened.page.locator("#leaderboard button:visible").all():
        button.click()
    for button in opened.page.locator("#leaderboard td.more button").all():
        button.click()
    assert opened.page.locator("#leaderboard td.more").count() > 0
    assert (opened.errors, opened.outside()) == ([], [])


def test_names_and_errors_are_text(tmp_path: Path, open_page: OpenPage) -> None:
    opened = open_page(page_of(tmp_path / "a&b" / HOSTILE.replace("/", "∕"), 1, HOSTILE, HOSTILE))
    page = opened.page
    dialogs: list[object] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))
    assert HOSTILE in column(page, "Policy")
    heading(page, "Policy").locator("button").click()
    assert HOSTILE in column(page, "Policy")
    page.locator("#leaderboard tbody tr", has_text=HOSTILE).locator("button").first.click()
    assert HOSTILE in page.locator("#provenance .warnings").inner_text()
    assert HOSTILE in page.locator("select[data-key='policy']").inner_text()
    assert page.locator("main script").count() == 0
    assert (dialogs, opened.errors, opened.outside()) == ([], [], [])


def test_without_scripts_the_first_rows_stand_there(report: Path, open_page: OpenPage) -> None:
    page = open_page(report, java_script_enabled=False).page
    assert page.locator("#leaderboard tbody tr").count() == 25
    assert not page.locator("form").is_visible()
    assert page.locator("header noscript").is_visible()
