"""The frame of a page in a browser: its scripts run, in order, and nothing else does."""

import socket
from pathlib import Path

import pytest
from markupsafe import Markup

from fmbench.report.page.section import PageSection
from fmbench.report.page.shell import render_page
from tests.fmbench.report.page.browser.conftest import OpenPage

pytestmark = pytest.mark.browser


def write(folder: Path, *sections: PageSection) -> Path:
    path = folder / "page.html"
    path.write_text(render_page("Title", sections), encoding="utf-8")
    return path


def test_sections_run_after_each_other_with_their_data(tmp_path: Path, open_page: OpenPage) -> None:
    script = "root.querySelector('p').textContent = `${data.text} in ${root.id}`;"
    sections = [
        PageSection(name, name, Markup("<p></p>"), script=script, data={"text": "<b>x</b>"})
        for name in ("one", "two")
    ]
    opened = open_page(write(tmp_path, *sections))
    assert opened.page.locator("p").all_inner_texts() == ["<b>x</b> in one", "<b>x</b> in two"]
    assert (opened.errors, opened.requests) == ([], [])


def test_an_error_in_one_section_stops_no_other(tmp_path: Path, open_page: OpenPage) -> None:
    bad = PageSection("bad", "Bad", Markup("<p></p>"), script="throw new Error('broken');")
    good = PageSection("good", "Good", Markup("<p></p>"), script="root.title = 'done';")
    opened = open_page(write(tmp_path, bad, good))
    assert opened.page.locator("#good").get_attribute("title") == "done"
    assert opened.errors == ["broken"]


def test_the_policy_stops_scripts_and_requests_that_are_not_the_page_s(
    tmp_path: Path, open_page: OpenPage
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        html = Markup(
            '<p onclick="document.title = 1">x</p><script>document.title = 2</script>'
            f'<img src="{address}" alt="">'
        )
        opened = open_page(write(tmp_path, PageSection("one", "One", html)))
        opened.page.locator("p", has_text="x").click()
        assert opened.page.title() == "Title"
        assert len(opened.errors) == 3
        assert all("Content Security Policy" in text for text in opened.errors)
        assert opened.outside() == [address]  # the browser tells of it, and does not ask
        with pytest.raises(BlockingIOError):
            server.accept()


def test_plotly_runs_under_the_policy(tmp_path: Path, open_page: OpenPage) -> None:
    pytest.importorskip("plotly")
    script = "root.title = Plotly.version;"
    section = PageSection("one", "One", Markup("<p></p>"), script=script, libraries=["plotly"])
    opened = open_page(write(tmp_path, section))
    assert opened.page.locator("#one").get_attribute("title").count(".") == 2
    assert (opened.errors, opened.outside()) == ([], [])


def test_a_library_is_read_when_the_reader_comes_near(tmp_path: Path, open_page: OpenPage) -> None:
    pytest.importorskip("plotly")
    first = PageSection("one", "One", Markup('<div style="height: 5000px"></div>'))
    script = "root.title = Plotly.version;"
    second = PageSection("two", "Two", Markup("<p></p>"), script=script, libraries=["plotly"])
    page = open_page(write(tmp_path, first, second)).page
    assert page.evaluate("typeof Plotly") == "undefined"
    assert page.locator("#two").get_attribute("data-ready") is None
    page.locator("#two p").scroll_into_view_if_needed()
    page.locator("#two[data-ready]").wait_for()
    assert page.evaluate("typeof Plotly") == "object"
