"""Chromium that opens pages from files, and notes what a page must not do."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
WIDE, PHONE = (1440, 900), (390, 844)
"""Sizes of a window: a desk's and a phone's [CSS pixels]."""


@dataclasses.dataclass
class Opened:
    """A page in the browser, with what it has done since it was opened.

    Attributes:
        page: Playwright's page.
        path: The file.
        errors: Errors and warnings on its console, and exceptions of its scripts.
        requests: Addresses that it wanted, without its own, also those that its policy refused.
    """

    page: Any
    path: Path
    errors: list[str] = dataclasses.field(default_factory=list)
    requests: list[str] = dataclasses.field(default_factory=list)

    def outside(self) -> list[str]:
        """Return the requests for anything that is not beside the page."""
        beside = self.path.parent.as_uri() + "/"
        return [url for url in self.requests if not url.startswith((beside, "data:", "blob:"))]


OpenPage = Callable[..., Opened]
"""Opens a file: `(path, size=WIDE, dark=False, **options of a playwright context)`."""


def chromium() -> str | None:
    """Return the path of this machine's Chromium, which the variable CHROMIUM may give."""
    found = filter(None, (os.environ.get("CHROMIUM"), *map(shutil.which, CHROMIUM)))
    return next(found, None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium of this machine."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = chromium()
    if path is None:
        pytest.fail("there is no Chromium: apt install chromium, or set CHROMIUM to its path")
    with playwright.sync_playwright() as driver:
        # --no-sandbox: the tests may run as root, in a container.
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[OpenPage]:
    """Open pages, each in a context of its own, and wait until their scripts are ready."""
    contexts = []

    def opened(
        path: Path,
        size: tuple[int, int] = WIDE,
        dark: bool = False,
        wait: bool = True,
        **options: Any,
    ) -> Opened:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            **options,
        )
        contexts.append(context)
        seen = Opened(context.new_page(), path.resolve())
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on(
            "console",
            lambda said: (
                seen.errors.append(said.text) if said.type in ("error", "warning") else None
            ),
        )
        address = seen.path.as_uri()
        seen.page.on(
            "request",
            lambda asked: seen.requests.append(asked.url) if asked.url != address else None,
        )
        seen.page.goto(address)
        if wait and options.get("java_script_enabled", True):
            seen.page.locator("html[data-ready]").wait_for(state="attached")
        return seen

    yield opened
    for context in contexts:
        context.close()
