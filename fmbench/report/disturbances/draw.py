"""Draw what disturbances cost the policies of a run, from its rows."""

from __future__ import annotations

import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmbench.report.disturbances.pairs import DisturbancePairRow, pair_rows
from fmbench.report.disturbances.rows import DisturbanceRow, arms_of, disturbance_rows
from fmbench.report.disturbances.text import (
    HEADER,
    NOTES,
    UNRANKED,
    disturbances_markdown,
    sentences,
    texts,
)
from fmbench.report.results import Results
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.row_files import write_rows

_PLAIN_WIDTH = 100


def draw_disturbances(results: Results, out: Path) -> tuple[list[Path], list[DisturbanceRow]]:
    """Write `disturbances.csv` and `.md`, and `disturbance_pairs.csv`.

    Of a run without disturbances, or one that has not finished, there are none: those of an earlier
    state, which would contradict the other tables, are removed.

    Returns:
        The paths, and the rows of the first file, for the figure.
    """
    arms = {} if results.unfinished else arms_of(results)
    table = out / DisturbanceRow.file_name
    text, of_pairs = table.with_suffix(".md"), out / DisturbancePairRow.file_name
    if not arms:
        for path in (table, text, of_pairs):
            path.unlink(missing_ok=True)
        return [], []
    rows, pairs = disturbance_rows(results, arms), pair_rows(results, arms)
    write_rows(table, rows, DisturbanceRow)
    write_rows(of_pairs, pairs, DisturbancePairRow)
    write_bytes_atomic(text, disturbances_markdown(results, rows, pairs).encode())
    return [table, of_pairs, text], rows


def print_disturbances(results: Results, console: Console | None = None) -> None:
    """Print what disturbances cost, one table per task, at most 100 columns wide."""
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    out = console or Console(width=width, highlight=False)
    arms = arms_of(results)
    rows, pairs = disturbance_rows(results, arms), pair_rows(results, arms)
    for task in dict.fromkeys(row.task for row in rows):
        table = Table(
            title=Text(f"{task} with disturbances", style="bold"),
            title_justify="left",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            collapse_padding=True,
        )
        for i, name in enumerate(HEADER):
            # As Text, because rich parses "[points]" in a plain string as markup and drops it.
            table.add_column(Text(name.replace(" [", "\n[")), justify="left" if i < 2 else "right")
        for row in rows:
            if row.task == task:
                table.add_row(*(Text(text) for text in texts(row, results.looks)))
        out.print(table)
        for line in sentences(pairs, task, results.looks):
            out.print(Text(line))
        out.print()
    if any(not row.ranks for row in rows):
        out.print(Text(next(note for note in NOTES if note.startswith(UNRANKED))))
