"""Measure a page of runs in Chromium: first paint, and the time until a click has an effect.

`python -m tests.benchmarks.page REPORT.html`: nothing is asserted, as the browser's times depend on
what else the machine does. `bash .ci/run extras` has the tests of what the page does.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.fmbench.report.page.browser.conftest import WIDE, chromium

REPEATS = 5
CLICK_EARLY = """
addEventListener("DOMContentLoaded", () => {
  const started = setInterval(() => {
    const button = document.querySelector("#leaderboard th[data-key='rate'] button");
    if (!button) return;
    button.click();
    if (button.closest("th").ariaSort === "none") return;
    clearInterval(started);
    requestAnimationFrame(() => setTimeout(() => { window.interactive = performance.now(); }));
  }, 5);
});
"""
"""Clicks on a heading until the rows are sorted, and notes when that was painted."""


def measure(path: Path) -> dict[str, float]:
    """Return the medians of a page's times [s]."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        times = [_once(browser, path.resolve().as_uri()) for _ in range(REPEATS)]
        browser.close()
    return {name: statistics.median(each[name] for each in times) for name in times[0]}


def _once(browser: Any, address: str) -> dict[str, float]:
    context = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
    page = context.new_page()
    page.add_init_script(CLICK_EARLY)
    page.goto(address)
    page.wait_for_function("window.interactive > 0")
    page.locator("html[data-ready]").wait_for(state="attached")
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    found = {
        "first paint": page.evaluate(paint) / 1000,
        "interactive": page.evaluate("window.interactive") / 1000,
        "all sections ready": page.evaluate("performance.now()") / 1000,
    }
    context.close()
    return found


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")
        for name, seconds in measure(file).items():
            print(f"  {name:<20}{seconds:6.2f} s")
