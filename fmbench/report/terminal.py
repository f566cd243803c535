"""The summary of a run in the terminal: headline rows and who is ahead."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmbench.report.looks import Looks
from fmbench.report.markdown import SMOKE, cells, headline_rows, verdict
from fmbench.report.results import Results

_PLAIN_WIDTH = 100
_NAMED_TIES = 6
_TERMINAL_HEADER = (
    "policy",
    "sampler",
    "success",
    "95 %\ninterval",
    "NFE",
    "latency [ms]\np50 / p95",
    "parameters",
    "training",
)


def print_summary(results: Results, console: Console | None = None) -> None:
    """Print the headline rows of a run: one table for each task, at most 100 columns wide.

    Args:
        results: The run.
        console: Where to print; the default is stdout.
    """
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    out = console or Console(width=width, highlight=False)
    if results.is_smoke:
        out.print(Text(SMOKE, style="bold red"))
    for task in dict.fromkeys(results.summary["task"]):
        table = Table(
            title=Text(task, style="bold"),
            title_justify="left",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            collapse_padding=True,
        )
        for name in _TERMINAL_HEADER:
            left = name in ("policy", "sampler")
            # As Text: in a plain string rich takes "[ms]" for markup, and leaves it out.
            table.add_column(Text(name), justify="left" if left else "right", no_wrap=True)
        for row in headline_rows(results, task):
            table.add_row(*(Text(cell.replace("–", "-")) for cell in cells(row, results.looks)))
        out.print(table)
        rows = results.comparisons[results.comparisons["task"] == task]
        if said := _verdicts(list(rows.itertuples()), results.looks):
            out.print(Text(said + "\n"))
    for line in results.warnings:
        out.print(Text(f"warning: {line}", style="yellow"))


def _verdicts(rows: Sequence[Any], looks: Looks) -> str:
    """Say all comparisons of a task in one sentence; more than a few ties are only counted."""
    said = [verdict(row, looks) for row in rows if row.verdict != "tie"]
    ties = [verdict(row, looks) for row in rows if row.verdict == "tie"]
    if len(ties) > _NAMED_TIES:
        ties = [f"the other {len(ties)} pairs tie" if said else f"all {len(ties)} pairs tie"]
    return "; ".join([*said, *ties])
