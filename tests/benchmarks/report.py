"""Lay measurements out as a Markdown table, and put it into the README beside this file."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.interleaved import Spread

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
PACKAGES = ("mujoco", "numpy", "torch", "gymnasium")


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        what: What was measured.
        value: Median and range over the rounds.
        digits: Digits after the point.
        unit: Unit, "" for a ratio.
        cpu: The same in CPU time, where it says something.
        limit: Largest median that is accepted.
    """

    what: str
    value: Spread
    digits: int = 2
    unit: str = ""
    cpu: Spread | None = None
    limit: float | None = None

    @property
    def is_met(self) -> bool:
        return self.limit is None or self.value.median <= self.limit

    def cells(self) -> tuple[str, ...]:
        cpu = "" if self.cpu is None else f"{self.cpu.median:.{self.digits}f}"
        limit = ""
        if self.limit is not None:
            limit = f"{self.limit:g} {self.unit}".rstrip() + ("" if self.is_met else ", not met")
        return self.what, self.value.text(self.digits, self.unit), cpu, limit


def markdown(sections: Sequence[tuple[str, Sequence[Row]]], machine: str) -> str:
    """Return one table per section, after a description of the machine."""
    lines = [machine]
    for title, rows in sections:
        lines += ["", f"**{title}**", "", "| | median (range) | CPU time | limit |"]
        lines += ["|---|---|---|---|"]
        lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    return "\n".join(lines)


def describe_machine(load_before: float) -> str:
    """Return processor, cores, versions and load averages, but nothing that names the machine."""
    model, cpuinfo = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        model = found[0].partition(":")[2].strip() if found else model
    cores = os.cpu_count()
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{model}, {cores} cores; {platform.system()}, Python {platform.python_version()}, "
        f"{versions}. Load average (1 min) {load_before:.1f} before the run and "
        f"{os.getloadavg()[0]:.1f} after it; the run itself keeps about {cores} cores busy."
    )


def write(text: str) -> None:
    """Replace the README's results."""
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
