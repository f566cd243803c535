"""A page for everyone: by keyboard, with a screen reader, on a phone, in the dark, on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fmbench.report.page.browser.axe import violations
from tests.fmbench.report.page.browser.conftest import PHONE, WIDE, OpenPage
from tests.fmbench.report.page.browser.pages import page_of

pytestmark = pytest.mark.browser
A4_LANDSCAPE = (1047, 720)
"""What 277 mm, an A4 page without its margins, are at 96 dots per inch [CSS pixels]."""
FOCUSED = """() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    tag: element.tagName,
    place: element.closest("body > header") ? "header" : `#${element.closest("section")?.id}`,
    text: element.innerText.trim(),
    outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    label: element.ariaLabel || element.labels?.[0]?.innerText || element.innerText,
    isSeen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page_of(tmp_path_factory.mktemp("four"), 4)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_grave_is_found(
    size: tuple[int, int], dark: bool, report: Path, open_page: OpenPage
) -> None:
    page = open_page(report, size, dark).page
    page.locator("#leaderboard tbody button").first.click()
    page.locator("#provenance summary").first.click()
    assert violations(page) == []


def test_what_is_grave_would_be_found(report: Path, open_page: OpenPage) -> None:
    page = open_page(report).page
    page.evaluate(
        "document.querySelector('form label').replaceWith(document.createElement('input'))"
    )
    page.evaluate("document.querySelector('h1').style.color = '#ddd'")
    assert {line.partition(":")[0] for line in violations(page)} == {"label", "color-contrast"}


def test_an_empty_page_is_for_everyone(tmp_path: Path, open_page: OpenPage) -> None:
    assert violations(open_page(page_of(tmp_path, 0)).page) == []


def walk(page: Any, most: int = 400) -> list[dict[str, Any]]:
    """Press Tab until the focus has left the page; return what had it."""
    seen = []
    for _ in range(most):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found["tag"] == "BODY":
            return seen
        seen.append(found)
    raise AssertionError("the focus does not leave the page")


def test_tab_reaches_everything_and_shows_where_it_is(report: Path, open_page: OpenPage) -> None:
    page = open_page(report, reduced_motion="reduce").page  # scrolls at once
    seen = walk(page)
    assert seen[0]["text"] == "Skip to the content"
    assert [each for each in seen if not (each["outline"] and each["isSeen"])] == []
    assert [each for each in seen if not each["label"]] == []
    for place in ("header", "#leaderboard", "#provenance"):
        controls = "button, a[href], select, input, summary, [tabindex='0']"
        there = page.locator(place).locator(controls).locator("visible=true").count()
        assert len([each for each in seen if each["place"] == place]) == there > 0


def test_the_leaderboard_works_by_keyboard(report: Path, open_page: OpenPage) -> None:
    page = open_page(report).page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    page.locator("th[data-key='rate'] button").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert page.locator("th[data-key='rate']").get_attribute("aria-sort") == "ascending"
    assert page.locator("#announcements").inner_text() == "Sorted by Success, ascending."
    page.locator("#leaderboard tbody button").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Copy command"


@pytest.mark.parametrize("size", [WIDE, PHONE, (320, 600)], ids=["wide", "phone", "zoomed"])
def test_only_tables_scroll_sideways(
    size: tuple[int, int], report: Path, open_page: OpenPage
) -> None:
    page = open_page(report, size).page
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    for table in page.locator(".table").all():
        assert table.get_attribute("tabindex") == "0"
        assert table.get_attribute("aria-label")


def test_paper_has_whole_tables_and_nothing_to_press(report: Path, open_page: OpenPage) -> None:
    page = open_page(report, A4_LANDSCAPE).page
    page.emulate_media(media="print")
    pressed = "select:visible, input:visible, nav:visible, button:not(th button):visible"
    assert page.locator(pressed).count() == 0
    assert "Success" in page.locator("#leaderboard thead").inner_text()
    for table in page.locator("table").all():
        box = table.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= A4_LANDSCAPE[0]
    assert page.locator("#provenance dd").first.is_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_the_dark_page_is_dark(report: Path, open_page: OpenPage) -> None:
    colours = {
        dark: open_page(report, dark=dark).page.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for dark in (False, True)
    }
    assert colours == {False: "rgb(255, 255, 255)", True: "rgb(20, 23, 27)"}


def test_nothing_moves_for_who_wants_that(report: Path, open_page: OpenPage) -> None:
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    for motion, expected in (("no-preference", "smooth"), ("reduce", "auto")):
        page = open_page(report, reduced_motion=motion).page
        assert page.evaluate(behaviour) == expected
