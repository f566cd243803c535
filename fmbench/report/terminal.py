"""Summary of a run in the terminal: headline rows and verdicts."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from fmbench.config import STATE
from fmbench.report.counted import counted
from fmbench.report.looks import Looks
from fmbench.report.markdown import SMOKE, headline_rows
from fmbench.report.observed import observation_label
from fmbench.report.results import Results
from fmbench.report.row_texts import DISAGREE, cells
from fmbench.report.sentences import left_out, verdict
from fmbench.report.training_cost import training_cost_line
from fmbench.report.verdicts import (
    AHEAD,
    BEHIND,
    EQUIVALENT,
    LEVEL,
    NON_INFERIOR,
    NOT_COMPARABLE,
    UNDECIDED,
)

_PLAIN_WIDTH = 100
_MAX_LISTED_PAIRS = 6
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
_LEAST_COLUMNS = 4
"""Columns that are always there; what is left out of a narrow terminal is in summary.md."""
_UNLIMITED = 1000


def print_summary(results: Results, console: Console | None = None) -> None:
    """Print the headline rows of a run: one table per task, at most 100 columns wide.

    Args:
        results: The run.
        console: Output; the default is stdout.
    """
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    out = console or Console(width=width, highlight=False)
    if results.is_smoke:
        out.print(Text(SMOKE, style="bold red"))
    observation = observation_label(results.run.config)
    if observation != STATE:
        out.print(Text(f"policies observe pictures by {observation}"))
    if results.run.choice.test_block != 1:
        out.print(Text("on the second block of test seeds"))
    if results.unfinished:
        out.print(Text(f"{results.unfinished}; policies are not compared", style="bold red"))
    for task in dict.fromkeys(results.summary["task"]):
        shown = headline_rows(results, task)
        lines = [cells(row, results.looks, results.is_broken(row)) for row in shown]
        out.print(_fitting(task, lines, out))
        rows = results.comparisons[results.comparisons["task"] == task]
        verdicts = [_verdicts(list(rows.itertuples()), results.looks, results.margin)]
        verdicts += left_out(results, task)
        for line in _disagreements(results, task):
            out.print(Text(line, style="yellow"))
        if costs := training_cost_line(results, task):
            out.print(Text(costs))
        if any(verdicts):
            out.print(Text("\n".join(filter(None, verdicts)) + "\n"))
    for line in (*results.caveats, *results.warnings):
        out.print(Text(f"warning: {line}", style="yellow"))


def _fitting(task: str, lines: Sequence[Sequence[str]], out: Console) -> Table:
    """Return the table of a task with as many columns as fit: a cut number would be misread."""
    wide = out.options.update_width(_UNLIMITED)
    for count in range(len(_TERMINAL_HEADER), _LEAST_COLUMNS, -1):
        table = _table(task, lines, count)
        if Measurement.get(out, wide, table).maximum <= out.width:
            return table
    return _table(task, lines, _LEAST_COLUMNS)


def _table(task: str, lines: Sequence[Sequence[str]], count: int) -> Table:
    """Return the table of a task with the first columns."""
    table = Table(
        title=Text(task, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        collapse_padding=True,
    )
    for name in _TERMINAL_HEADER[:count]:
        left = name in ("policy", "sampler")
        # As Text, because rich parses "[ms]" in a plain string as markup and drops it.
        table.add_column(Text(name), justify="left" if left else "right", no_wrap=True)
    for texts in lines:
        table.add_row(*(Text(_narrow(text)) for text in texts[:count]))
    return table


def _narrow(text: str) -> str:
    """Return a text of a cell for the terminal; `_disagreements` has what is left out."""
    return text.replace("–", "-").replace(f" {DISAGREE}", "")


def _disagreements(results: Results, task: str) -> Iterator[str]:
    """Yield a line for every headline of a task whose training seeds disagree."""
    for row in headline_rows(results, task):
        if row.seeds_disagree and not results.is_broken(row):
            rates = ", ".join(f"{float(rate):.2f}" for rate in row.seed_rates.split())
            yield (
                f"{results.looks.label(row.policy)}: its training seeds disagree ({rates}); the "
                "interval may cover far less than 95 %"
            )


def _verdicts(rows: Sequence[Any], looks: Looks, margin: float) -> str:
    """Describe the comparisons of a task; many pairs with the same word are only counted."""
    if not rows:
        return ""
    clauses = [verdict(row, looks) for row in rows if row.verdict in (AHEAD, BEHIND)]
    for word in (EQUIVALENT, NON_INFERIOR, UNDECIDED):
        alike = [row for row in rows if row.verdict == word]
        if len(alike) > _MAX_LISTED_PAIRS:
            others = "the other" if len(alike) < len(rows) else "all"
            clauses.append(f"{word}: {others} {len(alike)} pairs" if word == UNDECIDED
                           else f"{word}: {len(alike)} pairs")  # fmt: skip
        else:
            clauses += [verdict(row, looks) for row in alike]
    clauses += [verdict(row, looks) for row in rows if row.verdict == NOT_COMPARABLE]
    seeds = counted(max(row.train_seeds for row in rows), "training seed")
    basis = f"level {LEVEL}, Holm-adjusted; margin ±{100 * margin:g} points; {seeds}"
    return f"{'; '.join(clauses)} ({basis})"
