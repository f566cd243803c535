"""What a page shows: its sections, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fmbench.report.page.beside import beside
from fmbench.report.page.figures import figure_sections
from fmbench.report.page.leaderboard import leaderboard
from fmbench.report.page.media import Media
from fmbench.report.page.provenance import provenance
from fmbench.report.page.reading import MIN_RUNS
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.section import PageSection
from fmbench.report.page.tasks import task_sections


def sections_of(
    runs: Sequence[NamedRun],
    folder: Path,
    tiers: Mapping[str, str],
    media: Media | None,
    unread: Mapping[str, str],
) -> list[PageSection]:
    """Return the sections of a page; without runs only what says so.

    Args:
        runs: The runs.
        folder: The folder of the page, from which its links lead.
        tiers: Name of each known task to its tier.
        media: Pictures, films and recorded states; None if they were not asked for.
        unread: Name of a run that could not be read to why it is left out.
    """
    with beside(lambda: figure_sections(runs), len(runs) >= MIN_RUNS) as figures:
        board = leaderboard(runs, folder, tiers)
        rest = [*task_sections(runs, media), provenance(runs, unread)]
        return [board, *figures(), *rest]
