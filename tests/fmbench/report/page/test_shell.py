"""The page around its sections: texts are escaped, and only its own scripts may run."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from markupsafe import Markup

from fmbench.report.page.section import PageSection
from fmbench.report.page.shell import as_json, render_page

HOSTILE = "</script><script>alert(1)</script><!--"


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._is_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_script = tag == "script" and ("type", "application/json") not in attrs
        if self._is_script:
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_script = self._is_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.texts[-1] += data


def test_every_script_of_the_page_and_no_other_is_in_its_policy() -> None:
    section = PageSection("one", HOSTILE, Markup("<p>text</p>"), "", "root.id;", {"a": HOSTILE})
    text = render_page(HOSTILE, [section])
    parser = _Scripts()
    parser.feed(text)
    hashes = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in parser.texts]
    assert len(hashes) == 2  # of the page and of its sections
    assert re.findall(r"sha256-([^&']+)&#39;", text) == hashes
    assert "<script>alert" not in text


def test_data_cannot_end_its_element() -> None:
    assert as_json({"a": HOSTILE}).count("<") == 0


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        as_json({"a": float("nan")})
