"""What a page shows: its sections, in order, and its file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from fmbench.report.page.leaderboard import leaderboard
from fmbench.report.page.provenance import provenance
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.section import PageSection
from fmbench.report.page.shell import render_page
from fmbench.storage.files import write_bytes_atomic

TITLE = "fmbench report"


def sections_of(
    runs: Sequence[NamedRun], folder: Path, tiers: Mapping[str, str]
) -> list[PageSection]:
    """Return the sections of a page; without runs only what says so.

    Args:
        runs: The runs.
        folder: The folder of the page, from which its links lead.
        tiers: Name of each known task to its tier.
    """
    return [leaderboard(runs, folder, tiers), provenance(runs)]


def write_page(path: Path, runs: Sequence[NamedRun], tiers: Mapping[str, str] | None = None) -> int:
    """Write a page atomically and return its size [bytes].

    Args:
        path: The file.
        runs: The runs that it shows; it may be none.
        tiers: Name of each known task to its tier; tasks that are not in it show none.

    Raises:
        FmbenchError: A package of the extra `report` is missing.
        RunFailed: The disk is full.
    """
    sections = sections_of(runs, Path(os.path.abspath(path)).parent, tiers or {})
    data = render_page(TITLE, sections, about(runs)).encode()
    write_bytes_atomic(path, data)
    return len(data)


def about(runs: Sequence[NamedRun]) -> str:
    """Return one sentence on what a page shows."""
    if not runs:
        return "No run was given, so there is nothing to show."
    tasks = {task for run in runs for task in run.results.outcomes.tasks}
    episodes = sum(len(run.results.episodes) for run in runs)
    return f"{_count(len(runs), 'run')}, {_count(len(tasks), 'task')}, {episodes:,} episodes."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
