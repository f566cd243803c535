"""Take the screenshots of docs/report.md: `python -m` this, with a page and a folder."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.fmbench.report.page.browser.conftest import PHONE, WIDE, chromium


def take(page: Path, folder: Path) -> list[Path]:
    """Write a picture of a page's beginning for each width, light and dark; return the paths."""
    taken = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for width, height in (WIDE, PHONE):
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                shown = context.new_page()
                shown.goto(page.resolve().as_uri())
                shown.locator("html[data-ready]").wait_for(state="attached")
                taken.append(folder / f"report-{width}-{scheme}.png")
                shown.screenshot(path=taken[-1])
                context.close()
        browser.close()
    return taken


if __name__ == "__main__":
    for path in take(*map(Path, sys.argv[1:])):
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
