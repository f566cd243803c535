"""What follows a run while it goes on; the run depends on none of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import methodcaller
from pathlib import Path
from typing import Protocol

from fmbench.cli.warnings import warn
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import Cell
from fmbench.runs.live_report import LiveReport
from fmbench.runs.sharing import RunTraining
from fmbench.storage.rows import EpisodeRow


class Watcher(Protocol):
    """Is told what a run has done, also what an earlier process has done of it."""

    title: str
    """What it writes, for a warning."""

    def trained(self, training: RunTraining) -> None:
        """Follow a training; called at its start and after each logged update."""

    def evaluated(self, cell: Cell, rows: Sequence[EpisodeRow]) -> None:
        """Follow a cell; called when its rows are stored."""

    def finished(self) -> None:
        """Follow the end of a run; called when all of its rows are stored."""


class Watchers:
    """All watchers of a run. One that fails is warned about once, and the run goes on.

    Args:
        watchers: The watchers.
    """

    def __init__(self, watchers: Sequence[Watcher] = ()) -> None:
        self._watchers = list(watchers)
        self._warned: set[str] = set()

    def trained(self, trainings: Sequence[RunTraining]) -> None:
        """Tell of trainings; see `Watcher.trained`."""
        for training in trainings:
            self._tell(methodcaller("trained", training))

    def evaluated(self, cell: Cell, rows: Sequence[EpisodeRow]) -> None:
        """Tell of a cell; see `Watcher.evaluated`."""
        self._tell(methodcaller("evaluated", cell, rows))

    def finished(self) -> None:
        """Tell of the end; see `Watcher.finished`."""
        self._tell(methodcaller("finished"))

    def _tell(self, tell: Callable[[Watcher], None]) -> None:
        for watcher in self._watchers:
            try:
                tell(watcher)
            except Exception as error:  # of a library, a full disk, a row that it does not know
                if watcher.title not in self._warned:
                    self._warned.add(watcher.title)
                    text = " ".join(str(error).split()) or type(error).__name__
                    warn(f"{watcher.title} cannot be written, the run goes on: {text}")


def open_watchers(out: Path, tensorboard: bool, live: bool, say: Callable[[str], None]) -> Watchers:
    """Return what follows a run; nothing is written yet.

    Args:
        out: The run's folder.
        tensorboard: Whether to write event files for TensorBoard.
        live: Whether to write the report.
        say: Prints a line.

    Raises:
        FmbenchError: TensorBoard's package cannot be imported.
    """
    watchers: list[Watcher] = [LiveReport(out, say)] if live else []
    if tensorboard:
        try:
            from fmbench.runs.event_files import EventFiles
        except ImportError as error:
            raise FmbenchError(f"--tensorboard: tensorboard cannot be imported: {error}") from None
        watchers.append(EventFiles(out))
    return Watchers(watchers)
