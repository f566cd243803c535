"""Draw and print the trials of a search: functions of its rows and its `search.json`."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmbench.report.markdown import SMOKE
from fmbench.report.tuning.figure import render_trials
from fmbench.report.tuning.text import best_command, best_rows, failure, header, search_markdown
from fmbench.storage.files import write_bytes_atomic
from fmbench.storage.row_files import read_rows
from fmbench.storage.search import TrialRow, read_search_facts

WIDTH = 100


def draw_search(folder: Path) -> list[Path]:
    """Write `trials.md` and `trials.png` from the rows of a search; return the paths."""
    facts = read_search_facts(folder)
    rows = read_rows(folder / TrialRow.file_name, TrialRow)
    paths = [folder / "trials.md", folder / "trials.png"]
    write_bytes_atomic(paths[0], search_markdown(rows, facts).encode())
    write_bytes_atomic(paths[1], render_trials(rows, facts))
    return paths


def print_search(folder: Path) -> None:
    """Print the best trials of a search, and the command that repeats the best recipe."""
    facts = read_search_facts(folder)
    rows = read_rows(folder / TrialRow.file_name, TrialRow)
    console = Console(width=WIDTH, highlight=False)
    if facts.choice.preset == "smoke":
        console.print(Text(SMOKE, style="bold red"))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, collapse_padding=True)
    for name in header():
        table.add_column(Text(name), justify="right", no_wrap=True)
    for cells in best_rows(rows):
        table.add_row(*map(Text, cells))
    console.print(table)
    if failed := failure(rows):
        console.print(Text(f"\n{failed}", style="bold red"))
    print(f"\nThe best recipe, on the test episodes of a run:\n  {best_command(rows, facts)}")
    print(f"Trials, table and figure: {folder}")
