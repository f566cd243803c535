"""Markdown tables of measurements, written to the README of this folder."""

import argparse
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.interleaved import Spread

README = Path(__file__).with_name("README.md")
PACKAGES = ("mujoco", "numpy", "torch", "gymnasium")


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        what: What was measured.
        value: Median and range over the rounds.
        digits: Digits after the decimal point.
        unit: Unit, "" for a ratio.
        cpu: The same in CPU time, if it is informative.
        limit: Largest accepted median.
        least: Smallest accepted median.
    """

    what: str
    value: Spread
    digits: int = 2
    unit: str = ""
    cpu: Spread | None = None
    limit: float | None = None
    least: float | None = None

    @property
    def is_met(self) -> bool:
        is_below = self.limit is None or self.value.median <= self.limit
        return is_below and (self.least is None or self.value.median >= self.least)

    def cells(self) -> tuple[str, ...]:
        cpu = "" if self.cpu is None else f"{self.cpu.median:.{self.digits}f}"
        bounds = [] if self.limit is None else [f"{self.limit:g}"]
        bounds += [] if self.least is None else [f"at least {self.least:g}"]
        limits = [f"{bound} {self.unit}".rstrip() for bound in bounds]
        text = ", ".join(limits) + ("" if self.is_met else ", not met")
        return self.what, self.value.text(self.digits, self.unit), cpu, text


def markdown(sections: Sequence[tuple[str, Sequence[Row]]], machine: str) -> str:
    """Return a description of the machine, then one table per section."""
    lines = [machine]
    for title, rows in sections:
        lines += ["", f"**{title}**", "", "| | median (range) | CPU time | limit |"]
        lines += ["|---|---|---|---|"]
        lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    return "\n".join(lines)


def describe_machine(
    load_before: float, packages: Sequence[str] = PACKAGES, busy: int | None = None
) -> str:
    """Return processor, cores, versions and load averages, but no name of the machine.

    Args:
        load_before: Load average at the start of the run.
        packages: Packages whose versions are included.
        busy: Number of cores used by the run; None is all of them.
    """
    model, cpuinfo = platform.processor() or platform.machine(), Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    cores = os.cpu_count()
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{model}, {cores} cores; {platform.system()}, Python {platform.python_version()}, "
        f"{versions}. Load average (1 min) {load_before:.1f} before the run and "
        f"{os.getloadavg()[0]:.1f} after it; the run itself keeps about {busy or cores} cores busy."
    )


def write(text: str, block: str = "results") -> None:
    """Replace a block of results in the README."""
    begin, end = f"<!-- {block}: begin -->", f"<!-- {block}: end -->"
    before, opened, rest = README.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise RuntimeError(f"{README} has no block between {begin} and {end}")
    README.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def run_alone(
    name: str, title: str, measure: Callable[[], Iterator[Row]], machine: Callable[[float], str]
) -> int:
    """Run the command line of a benchmark that is a command of its own.

    Args:
        name: Its module in this folder, and its block in the README.
        title: Heading of its table.
        measure: Yields the measurements, which are printed as they are made.
        machine: Describes the machine, given the load average before the run.

    Returns:
        The exit code: 1 if a limit is not met.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.benchmarks.{name}")
    parser.add_argument("--write", action="store_true", help="write the table to the README")
    arguments = parser.parse_args()
    load, rows = os.getloadavg()[0], []
    for row in measure():
        print(*row.cells(), sep=" | ", flush=True)
        rows.append(row)
    if arguments.write:
        write(markdown([(title, rows)], machine(load)), name)
    return 0 if all(row.is_met for row in rows) else 1
