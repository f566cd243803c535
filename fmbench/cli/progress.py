"""Progress display: live bars with the time left in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

PLAIN_PERIOD_S = 10.0


class Stage(Protocol):
    """A piece of work of known size."""

    def update(self, done: int) -> None:
        """Show that `done` units are done."""


class PartOfStage:
    """A part of a stage, shown as progress of the stage.

    Args:
        stage: The stage.
        before: Units of the stage before this part.
    """

    def __init__(self, stage: Stage, before: int) -> None:
        self._stage, self._before = stage, before

    def update(self, done: int) -> None:
        """Show that `done` units of the part are done."""
        self._stage.update(self._before + done)


class Reporter:
    """Shows the progress of stages.

    Args:
        console: Where to write; stderr by default, so that stdout contains only results.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, markup=False)

    @contextmanager
    def stage(self, name: str, total: int, done: int = 0) -> Iterator[Stage]:
        """Show the progress of a stage while the context lasts.

        Args:
            name: Name of the stage.
            total: All units of work.
            done: Units that an earlier process has done.
        """
        started = time.monotonic()
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=self.console, transient=True) as progress:
                yield _Bar(progress, progress.add_task(name, total=total, completed=done))
        else:
            yield _Lines(self, name, total, done, started)
        self.say(f"{name}: done in {time.monotonic() - started:.1f} s")


class _Bar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def update(self, done: int) -> None:
        self._progress.update(self._task, completed=done)


class _Lines:
    def __init__(
        self, reporter: Reporter, name: str, total: int, before: int, started: float
    ) -> None:
        self._reporter, self._name, self._total, self._before = reporter, name, total, before
        self._started, self._last = started, started

    def update(self, done: int) -> None:
        now = time.monotonic()
        if done <= self._before or now - self._last < PLAIN_PERIOD_S:
            return
        self._last = now
        left = (now - self._started) / (done - self._before) * (self._total - done)
        self._reporter.say(f"{self._name}: {done}/{self._total}, {left:.0f} s left")
