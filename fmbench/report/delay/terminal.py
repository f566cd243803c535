"""Success by delay in the terminal: the headline samplers of a run, a table for each task."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmbench.report.delay.draw import TEXT_FILE
from fmbench.report.delay.rows import DelayRow, delay_rows
from fmbench.report.delay.text import by_method, by_task, delay_caveats
from fmbench.report.looks import Looks
from fmbench.report.results import Results

_PLAIN_WIDTH = 100
_COLUMN_WIDTH = 7
"""Of a rate, its mark and the space between two columns."""
_MARK = "*"


def print_delays(results: Results, run_dir: Path, console: Console | None = None) -> None:
    """Print the success of every headline at every delay, if a run has some, and where more is.

    Args:
        results: The run.
        run_dir: Its folder, for the path of the tables.
        console: Output; the default is stdout, at most 100 columns wide unless it is a terminal.
    """
    rows = delay_rows(results)
    if not rows:
        return
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    out = console or Console(width=width, highlight=False)
    headlines = [row for row in rows if row.headline]
    for task, of_task in by_task(headlines):
        _print_task(out, task, of_task, results.looks)
    for line in delay_caveats(results):
        out.print(Text(f"warning: {line}", style="yellow"))
    if any(row.is_at_latency for row in headlines):
        out.print(Text(f"{_MARK} the delay that the latency of its decisions means"))
    out.print(Text(f"Intervals, verdicts and all samplers: {run_dir / TEXT_FILE}"), soft_wrap=True)


def _print_task(out: Console, task: str, rows: Sequence[DelayRow], looks: Looks) -> None:
    """Print the table of one task, with as many delays as fit."""
    methods = by_method(rows)
    names = [[looks.label(row.policy), row.execution] for row in (_first(m) for m in methods)]
    taken = sum(2 + max(len(name[i]) for name in names) for i in range(2))
    delays = sorted({row.delay for row in rows})
    shown = delays[: max(1, (min(out.width, _PLAIN_WIDTH) - taken) // _COLUMN_WIDTH)]
    out.print(Text(f"{task}: success by delay [control steps]", style="bold"))  # may be wider
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, collapse_padding=True)
    for name in ("policy", "execution"):
        table.add_column(Text(name), no_wrap=True)
    for delay in shown:
        table.add_column(Text(f"{delay} "), justify="right", no_wrap=True)
    for texts, method in zip(names, methods, strict=True):
        rates = [_rate(method.get(delay)) for delay in shown]
        table.add_row(*(Text(text) for text in (*texts, *rates)))
    out.print(table)
    if more := delays[len(shown) :]:
        out.print(Text(f"further delays: {', '.join(map(str, more))}"))


def _first(method: dict[int, DelayRow]) -> DelayRow:
    return next(iter(method.values()))


def _rate(row: DelayRow | None) -> str:
    """Return the text of one rate, as wide with a mark as without."""
    if row is None:
        return "- "
    text = "broken" if row.low is None else f"{row.success_rate:.2f}"
    return text + (_MARK if row.is_at_latency else " ")
