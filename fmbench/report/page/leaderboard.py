"""The leaderboard: every cell of every run in one table that can be sorted and filtered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from fmbench.report.outside import OutsidePairs
from fmbench.report.page.board import COLUMNS, BoardRow, as_values, board_rows
from fmbench.report.page.outside import outside_notes, pairs_of_page
from fmbench.report.page.row_places import file_of_episodes, link
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.section import PageSection
from fmbench.report.page.shell import environment, source
from fmbench.report.page.standings import HIGHEST
from fmbench.report.verdicts import MARGIN, definitions

NAME = "leaderboard"
FIRST_ROWS = 50
"""Rows that the file itself shows, and of a page of the table."""


class Column(NamedTuple):
    """A column of the table.

    Attributes:
        title: Its heading.
        key: The value of a row by which it is sorted.
        is_number: Whether that is a number.
        first: In which direction it is sorted first.
    """

    title: str
    key: str
    is_number: bool = False
    first: str = "ascending"


TABLE = (
    Column("Task", "task"),
    Column("Policy", "policy"),
    Column("Success", "rate", True, "descending"),
    Column("Against the best", "verdict_place", True),
    Column("NFE", "nfe", True),
    Column("Sampler", "sampler"),
    Column("Latency p50 [ms]", "latency", True),
    Column("Backbone", "backbone"),
    Column("Observation", "observation"),
    Column("Tier", "tier"),
    Column("Episodes", "episodes", True, "descending"),
    Column("Seeds", "seeds", True, "descending"),
)
FILTERS = (
    Column("Task", "task"),
    Column("Tier", "tier"),
    Column("Policy", "policy"),
    Column("Backbone", "backbone"),
    Column("Observation", "observation"),
    Column("NFE", "nfe_text", True),
)
"""Columns with a list of their values to choose from."""


def leaderboard(runs: Sequence[NamedRun], folder: Path, tiers: Mapping[str, str]) -> PageSection:
    """Return the section.

    Args:
        runs: The runs.
        folder: The folder of the page, from which its links lead.
        tiers: Name of each known task to its tier.
    """
    pairs = pairs_of_page(runs)
    rows = board_rows(runs, tiers, pairs)
    first = [row for row in rows if row.headline][:FIRST_ROWS]
    templates = environment()
    html = templates.get_template("leaderboard.html").render(
        rows=rows,
        first=first,
        runs=runs,
        columns=TABLE,
        filters=FILTERS,
        notes=_notes(runs, rows, pairs),
        bar=bar,
    )
    return PageSection(
        NAME,
        "Leaderboard",
        Markup(html),
        source(templates, "leaderboard.css"),
        source(templates, "leaderboard.js") if rows else "",
        {
            "columns": COLUMNS,
            "rows": [as_values(row) for row in rows],
            "runs": [_run(run, folder) for run in runs],
            "page_rows": FIRST_ROWS,
        },
    )


def _run(run: NamedRun, folder: Path) -> dict[str, str]:
    """Return what the rows of a run share: its name, its command and its file of episodes."""
    file = file_of_episodes(run.folder)
    return {
        "name": run.name,
        "command": run.results.run.command,
        "file": file.name if file != run.folder else "",
        "address": link(file, folder),
    }


def bar(row: BoardRow) -> Markup:
    """Draw the interval of a success rate, from 0 to 1; its numbers stand beside it."""
    ends = (
        ""
        if row.low is None or row.high is None
        else Markup('<line class="interval" x1="{}" x2="{}" y1="6" y2="6"/>').format(
            _x(row.low), _x(row.high)
        )
    )
    return Markup(
        '<svg viewBox="0 0 104 12" width="104" height="12" aria-hidden="true" focusable="false">'
        '<line class="scale" x1="4" x2="100" y1="6" y2="6"/>{}'
        '<circle class="rate" cx="{}" cy="6" r="3"/></svg>'
    ).format(ends, _x(row.rate))


def _x(share: float) -> str:
    return f"{4 + 96 * share:.1f}"


def _notes(
    runs: Sequence[NamedRun], rows: Sequence[BoardRow], pairs: Sequence[OutsidePairs]
) -> list[str]:
    """Return what explains the numbers."""
    if not rows:
        return []
    margins = {run.results.margin for run in runs} or {MARGIN}
    notes = [
        "Success: rate over test episodes with its 95 % interval (Wilson's for one training seed, "
        "over the seeds for several), drawn from 0 to 1. NFE: network evaluations per decision. "
        "Latency: median time of one decision.",
        "Against the best: the verdict of the run's own comparison with the policy of the highest "
        "rate on this task in this run, where both share demonstrations, network and updates. "
        f"That policy itself is “ahead” if it is ahead of every other one, else “{HIGHEST}”. "
        "Runs are not compared with each other, but for policies from outside: each is compared "
        "with the best of the first run with its task, on common training seeds and episodes. Only "
        "headline cells are compared, and neither expert nor random actions.",
        *(definitions(margin).replace("`", "").replace("*", "") for margin in sorted(margins)),
    ]
    notes += outside_notes(runs, pairs)
    settings = sum(len(run.results.settings) for run in runs)
    if settings:
        notes.append(f"Not in this table: {settings} settings with a delay or a disturbance.")
    return notes
