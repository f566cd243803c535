"""The report of a run, rewritten while it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from fmbench.cli.task_names import tiers
from fmbench.evaluation.cells import Cell
from fmbench.runs.sharing import RunTraining
from fmbench.storage.rows import EpisodeRow

FILE = "report.html"
PAUSE_S = 5.0
"""Shortest time between two versions of the page."""
PAUSE_TIMES = 10.0
"""The same as a multiple of how long the last one took: a run is slowed by a tenth at most."""


class LiveReport:
    """A page of a run that shows the cells that have finished; see `Watcher`.

    It is written between the run's own work, never beside it, so that latencies are not disturbed.
    What a pause leaves out is written at the next logged update of a training, or the next cell.

    Args:
        out: The run's folder.
        say: Prints a line.
        write: Writes the page of run folders to a file; None for that of `fmbench.report`.
    """

    title = "the report"

    def __init__(
        self,
        out: Path,
        say: Callable[[str], None],
        write: Callable[[Sequence[Path], Path], Path] | None = None,
    ) -> None:
        self._out, self._say, self._write = out, say, write
        self._is_behind, self._is_there = False, False
        self._earliest = 0.0

    def trained(self, training: RunTraining) -> None:
        """Write what waits."""
        self._write_if_due()

    def evaluated(self, cell: Cell, rows: Sequence[EpisodeRow]) -> None:
        """Show a cell."""
        self._is_behind = True
        self._write_if_due()

    def finished(self) -> None:
        """Show the finished run."""
        self._write_now()

    def _write_if_due(self) -> None:
        if self._is_behind and time.monotonic() >= self._earliest:
            self._write_now()

    def _write_now(self) -> None:
        if self._write is None:
            from fmbench.report.page.write import write_report

            self._write = partial(write_report, tiers=tiers())
        started = time.monotonic()
        self._is_behind = False
        try:
            path = self._write([self._out], self._out / FILE)
        finally:  # what fails is tried again as seldom
            now = time.monotonic()
            self._earliest = now + max(PAUSE_S, PAUSE_TIMES * (now - started))
        if not self._is_there:
            self._is_there = True
            self._say(f"Report, rewritten as cells finish: {path}")
