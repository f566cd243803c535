"""The page of runs as a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fmbench.report.copies import without_collection
from fmbench.report.counted import counted
from fmbench.report.page.contents import sections_of
from fmbench.report.page.media import Media
from fmbench.report.page.runs import NamedRun, read_runs
from fmbench.report.page.shell import render_page
from fmbench.report.verdicts import MARGIN
from fmbench.storage.files import write_bytes_atomic

TITLE = "fmbench report"


def write_report(
    folders: Sequence[Path],
    out: Path,
    margin: float = MARGIN,
    tiers: Mapping[str, str] | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Path:
    """Write the page of folders of runs and of grids; an earlier page is replaced at once.

    Args:
        folders: The folders, see `read_runs`; runs may be unfinished.
        out: The file.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        tiers: Name of each known task to its tier; the others show none.
        progress: Called with how many runs are read.

    Returns:
        The file.

    Raises:
        FmbenchError: A folder is no run, has no finished cell yet, or is given twice; or a package
            of the extra `report` is missing.
        RunFailed: The disk is full.
    """
    return write_page(read_runs(folders, margin, progress), out, tiers)


def write_page(
    runs: Sequence[NamedRun],
    out: Path,
    tiers: Mapping[str, str] | None = None,
    media: Media | None = None,
    unread: Mapping[str, str] | None = None,
) -> Path:
    """Write the page of runs that are read; see `write_report`.

    Args:
        runs: The runs; without one the page says so.
        out: As there, like `tiers`.
        tiers: Tiers of tasks.
        media: Pictures, films and recorded states; None to leave them out.
        unread: Name of a run that could not be read to why it is left out.
    """
    unread, beside = unread or {}, Path(os.path.abspath(out)).parent
    with without_collection():
        sections = sections_of(runs, beside, tiers or {}, media, unread)
        text = render_page(TITLE, sections, about(runs, len(unread)))
    write_bytes_atomic(out, text.encode())
    return out


def about(runs: Sequence[NamedRun], unread: int = 0) -> str:
    """Return what a page shows, and how many runs could not be read, in one sentence each."""
    if not runs:
        return "No run was given, so there is nothing to show."
    tasks = {task for run in runs for task in run.results.outcomes.tasks}
    episodes = sum(len(run.results.episodes) for run in runs)
    shown = f"{counted(len(runs), 'run')}, {counted(len(tasks), 'task')}, {episodes:,} episode"
    shown += "." if episodes == 1 else "s."
    damaged = sum(len(run.results.left_out) for run in runs)
    parts = [counted(count, what) for count, what in ((unread, "run"), (damaged, "file")) if count]
    left_out = f" Left out, because they cannot be read: {' and '.join(parts)}; see the warnings."
    return shown + left_out if parts else shown
