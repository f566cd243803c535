"""What a grid file stands for: sections of runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from fmbench.config import RunConfig

JOBS_FOLDER = "jobs"
"""Folder of the jobs in that of a grid; no section has this name."""


@dataclass(frozen=True)
class PlannedRun:
    """One run of a grid: one task by one setting, with all policies of its section.

    Attributes:
        section: Name of its section.
        name: The task, and the values in which it differs from others of the section.
        config: Its configuration.
        latency: Whether the latency of its decisions is measured.
        record: How many successes and failures of each policy are recorded.
    """

    section: str
    name: str
    config: RunConfig
    latency: bool = False
    record: int = 0

    @property
    def path(self) -> str:
        """Path of its folder in that of the grid."""
        return f"{self.section}/{self.name}"


@dataclass(frozen=True)
class Section:
    """Runs that are drawn in one table.

    Attributes:
        name: Its name, which is that of its folder.
        title: What it shows, in a few words.
        draw: One of `fmbench.runs.grid.drawings.DRAWINGS`.
        runs: Its runs, tasks first.
        hands: The hands on which its tasks are, as the file names them; empty if it names none.
        outside: Names of the runs of policies from outside that are drawn with its own, if other
            commands have written them.
        left_out: Why its tasks cannot be played here; empty if they can, or if it is not asked for.
    """

    name: str
    title: str
    draw: str
    runs: tuple[PlannedRun, ...]
    hands: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    left_out: str = ""


@dataclass(frozen=True)
class Grid:
    """The content of a grid file.

    Attributes:
        title: Title of the whole.
        sections: Its sections, in order.
        text: The text of the file.
    """

    title: str
    sections: tuple[Section, ...]
    text: str = field(repr=False, default="")

    @property
    def runs(self) -> list[PlannedRun]:
        """All runs, in order."""
        return [run for section in self.sections for run in section.runs]
