"""What a page shows: its sections, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fmbench.report.page.figures import figure_sections
from fmbench.report.page.leaderboard import leaderboard
from fmbench.report.page.provenance import provenance
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.section import PageSection


def sections_of(
    runs: Sequence[NamedRun], folder: Path, tiers: Mapping[str, str]
) -> list[PageSection]:
    """Return the sections of a page; without runs only what says so.

    Args:
        runs: The runs.
        folder: The folder of the page, from which its links lead.
        tiers: Name of each known task to its tier.
    """
    return [leaderboard(runs, folder, tiers), *figure_sections(runs), provenance(runs)]
