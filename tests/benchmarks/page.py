"""Measure the page of many runs: time and size of its writing, and how soon a browser shows it.

`python -m tests.benchmarks.page 0 1 20 200` takes so many copies of the runs in `results/`. Nothing
is asserted, as times depend on what else the machine does.
"""

from __future__ import annotations

import itertools
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from fmbench.report.page.write import write_page
from tests.fmbench.report.page.browser.conftest import WIDE, chromium
from tests.fmbench.small_run import ROOT

REPEATS = 5
CLICK_EARLY = """
addEventListener("DOMContentLoaded", () => {
  const started = setInterval(() => {
    const button = document.querySelector("#leaderboard th[data-key='rate'] button");
    if (!button) return;
    button.click();
    if (button.closest("th").ariaSort === "none") return;
    clearInterval(started);
    requestAnimationFrame(() => setTimeout(() => {
      document.documentElement.dataset.interactive = performance.now();
    }));
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
    page.locator("html[data-interactive]").wait_for(state="attached")
    page.locator("html[data-ready]").wait_for(state="attached")
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    found = {
        "first paint": page.evaluate(paint) / 1000,
        "interactive": float(page.locator("html").get_attribute("data-interactive")) / 1000,
        "all sections ready": page.evaluate("performance.now()") / 1000,
    }
    context.close()
    return found


def copies(folder: Path, count: int) -> list[Path]:
    """Copy the committed runs in turn, without pictures, until there are so many."""
    sources = sorted(path.parent for path in (ROOT / "results").rglob("run.json"))
    made = []
    for number, source in zip(range(count), itertools.cycle(sources), strict=False):
        made.append(folder / f"{number:03d}-{source.name}")
        shutil.copytree(source, made[-1], ignore=shutil.ignore_patterns("figures", "*.png"))
    return made


def write(folder: Path, count: int) -> tuple[Path, dict[str, float]]:
    """Write the page of so many runs by the command; return it and how long that took [s]."""
    page = folder / "report.html"
    if not count:
        return write_page([], page), {}
    runs = copies(folder, count)
    before, started = _cpu_s(), time.perf_counter()
    words = ["-m", "fmbench.report", *map(str, runs), "--out", str(page)]
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
    elapsed = time.perf_counter() - started
    return page, {"written in": elapsed, "processor time": _cpu_s() - before}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    for number in map(int, sys.argv[1:] or ["200"]):
        with tempfile.TemporaryDirectory() as name:
            written, times = write(Path(name), number)
            print(f"{number} runs: {written.stat().st_size / 1e6:.2f} MB")
            for what, seconds in {**times, **(measure(written) if number else {})}.items():
                print(f"  {what:<20}{seconds:6.2f} s", flush=True)
