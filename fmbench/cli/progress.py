"""Progress display: live bars with the time left in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TimeElapsedColumn,
)
from rich.text import Text

from fmbench.cli.outlook import Outlook, in_words
from fmbench.cli.success import Score, SuccessSoFar

PLAIN_PERIOD_S = 60.0
"""Where output is no terminal, a stage is one line at its end, and one in this time before it."""

WIDE, BAR, ELAPSED, LEFT = 64, 12, 7, 12
"""Columns of a terminal that has bars; of a bar, of the time since a stage began, of that left."""


class Stage(Protocol):
    """A piece of work of known size."""

    def update(self, done: int, left: float | None = None) -> None:
        """Show that `done` units are done; `left` is the time left [s] if the caller knows it."""


class PartOfStage:
    """A part of a stage, shown as progress of the stage.

    Args:
        stage: The stage.
        before: Units of the stage before this part.
    """

    def __init__(self, stage: Stage, before: int) -> None:
        self._stage, self._before = stage, before

    def update(self, done: int, left: float | None = None) -> None:
        """Show that `done` units of the part are done."""
        self._stage.update(self._before + done, left)


class Reporter:
    """Shows the progress of stages, and of the whole work where that is planned.

    Args:
        console: Where to write; stderr by default, so that stdout contains only results.

    Attributes:
        outlook: What is planned; whoever plans tells it what was not needed.
        is_shown: Whether anybody sees it, so that a plan is of use.
    """

    is_shown = True

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self.outlook = Outlook()
        self._successes, self._news = SuccessSoFar(), ""

    def say(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, markup=False)

    def score(self, score: Score, counts: bool = True) -> None:
        """Note a success rate; it is shown at the end of the stage that goes on.

        Args:
            score: The success rate.
            counts: Whether it is among those of which the last and the best are shown.
        """
        self._news = f", success {score.successes}/{score.episodes}"
        if counts:
            self._successes.add(score)

    @contextmanager
    def stage(
        self, name: str, total: int, done: int = 0, pieces: Sequence[str] = ()
    ) -> Iterator[Stage]:
        """Show the progress of a stage while the context lasts.

        Args:
            name: Name of the stage.
            total: All units of work.
            done: Units that an earlier process has done.
            pieces: The planned pieces of the whole work that it is; by default the one of its name.
        """
        started, self._news = time.monotonic(), ""
        with self.outlook.during(*(pieces or (name,)), share=done / total if total else 0.0):
            if self.console.is_terminal:
                with _Display(self, self.console) as display:
                    task = display.add_task(name, total=total, completed=done, left=None)
                    yield _Bar(self, display, task, total)
            else:
                yield _Lines(self, name, total, done, started)
        whole = "" if self.console.is_terminal else _after(self.whole(scores=False))
        self.say(f"{name}: done in {time.monotonic() - started:.1f} s{self._news}{whole}")

    def whole(self, scores: bool = True) -> str:
        """Return the state of the whole work in a line; empty if nothing is known of it."""
        left, parts = self.outlook.left(), []
        if left is not None:
            parts.append(f"whole run: {self.outlook.done():.0%}, {in_words(left)} left")
        if scores and (text := str(self._successes)):
            parts.append(text)
        return "; ".join(parts)


def _after(text: str) -> str:
    return f"; {text}" if text else ""


class _Display(Progress):
    """The bar of a stage, and below it the state of the whole work."""

    def __init__(self, reporter: Reporter, console: Console) -> None:
        self._reporter = reporter
        is_wide = console.width >= WIDE
        wide = (BarColumn(bar_width=BAR), TimeElapsedColumn()) if is_wide else ()
        super().__init__(
            _Name(console.width - LEFT - 2 - is_wide * (BAR + ELAPSED + 2)),
            *wide[:1],
            MofNCompleteColumn(),
            *wide[1:],
            _Left(),
            console=console,
            transient=True,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return the lines of the display."""
        yield self.make_tasks_table(self.tasks)
        if text := self._reporter.whole():
            yield Text(text, no_wrap=True, overflow="ellipsis")


class _Name(ProgressColumn):
    """The name of a stage, cut where the rest of the line would not fit."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self._width = width

    def render(self, task: Task) -> Text:
        counts = 2 * len(f"{task.total or 0:.0f}") + 1
        name, width = task.description, max(8, self._width - counts)
        return Text(name if len(name) <= width else f"{name[: width - 3]}...", no_wrap=True)


class _Left(ProgressColumn):
    """The time left of a stage, by its caller or by its speed."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        known = task.fields["left"]
        left = task.time_remaining if known is None else known
        return Text(f"{in_words(left)} left" if left else "", no_wrap=True)


class _Bar:
    def __init__(self, reporter: Reporter, progress: Progress, task: TaskID, total: int) -> None:
        self._reporter, self._progress, self._task = reporter, progress, task
        self._total = total

    def update(self, done: int, left: float | None = None) -> None:
        self._progress.update(self._task, completed=done, left=left)
        self._reporter.outlook.update(done / self._total if self._total else 1.0)


class _Lines:
    def __init__(
        self, reporter: Reporter, name: str, total: int, before: int, started: float
    ) -> None:
        self._reporter, self._name, self._total, self._before = reporter, name, total, before
        self._started, self._last = started, started

    def update(self, done: int, left: float | None = None) -> None:
        self._reporter.outlook.update(done / self._total if self._total else 1.0)
        now = time.monotonic()
        if done <= self._before or now - self._last < PLAIN_PERIOD_S:
            return
        self._last = now
        if left is None:
            left = (now - self._started) / (done - self._before) * (self._total - done)
        whole = _after(self._reporter.whole(scores=False))
        self._reporter.say(f"{self._name}: {done}/{self._total}, {in_words(left)} left{whole}")
