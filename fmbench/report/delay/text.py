"""Markdown tables of delays and executions, with notes that explain them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import pandas as pd

from fmbench.report.caveats import error_lines
from fmbench.report.delay.cells import delayed_settings
from fmbench.report.delay.notes import MEASURED_MARK, delay_notes
from fmbench.report.delay.rows import PLAIN_CELL, DelayRow
from fmbench.report.looks import Looks
from fmbench.report.markdown import SMOKE
from fmbench.report.markup import escape, markdown_table
from fmbench.report.results import Results
from fmbench.report.row_texts import BROKEN, DISAGREE, INCOMPLETE, sampler_label
from fmbench.report.verdicts import NON_INFERIOR
from policies.catalogue import EXECUTIONS

TITLE = "Delay and execution"
_METHOD = ("Execution", "Policy", "Sampler")
_COST = ("NFE", "Latency p50 / p95 [ms]", "Delay of it")


def delay_markdown(rows: Sequence[DelayRow], results: Results) -> str:
    """Write the tables of every task, those of the headline samplers first.

    Args:
        rows: All rows; at least one.
        results: Their run.
    """
    blocks = [f"# {TITLE} ({results.unfinished})" if results.unfinished else f"# {TITLE}"]
    if results.is_smoke:
        blocks.append(f"> # ⚠ {SMOKE}")
    lines = (*results.caveats, *delay_caveats(results))
    blocks += [f"> **Warning.** {escape(line)}" for line in lines]
    headlines = [row for row in rows if row.headline]
    for task, of_task in by_task(headlines):
        blocks += [f"## {escape(task)}", *_tables(of_task, results.looks)]
    others = [row for row in rows if not row.headline]
    if others:
        blocks.append("## Other samplers and step counts")
    for task, of_task in by_task(others):
        blocks += [f"### {escape(task)}", *_tables(of_task, results.looks)]
    notes = "\n".join(f"- {line}" for line in delay_notes(rows, results))
    return "\n\n".join([*blocks, "## Notes", notes]) + "\n"


def delay_caveats(results: Results) -> list[str]:
    """Return a line for every policy with delayed episodes that did not end by themselves."""
    frames = [results.settings[setting] for setting in delayed_settings(results)]
    if not any((f["error"] != "").any() or f["sim_unstable"].any() for f in frames):
        return []
    lines = error_lines(pd.concat(frames, ignore_index=True), results.looks.label)
    return [f"with a delay or another execution, {line}" for line in lines]


def by_task(rows: Iterable[DelayRow]) -> Iterator[tuple[str, list[DelayRow]]]:
    """Yield every task with its rows, in order."""
    groups: dict[str, list[DelayRow]] = {}
    for row in rows:
        groups.setdefault(row.task, []).append(row)
    yield from groups.items()


def by_method(rows: Iterable[DelayRow]) -> list[dict[int, DelayRow]]:
    """Return the rows of every execution, policy, sampler and steps of a task by their delay.

    They are in the order of the rows, with all policies of an execution together.
    """
    groups: dict[tuple[str, str, int, str], dict[int, DelayRow]] = {}
    for row in rows:
        groups.setdefault(row.method, {})[row.delay] = row
    names = list(dict.fromkeys([*EXECUTIONS, *(method[-1] for method in groups)]))
    return [groups[method] for method in sorted(groups, key=lambda m: names.index(m[-1]))]


def success_text(row: DelayRow) -> str:
    """Return rate, interval, verdict against the plain cell, and marks of one row."""
    marks = [INCOMPLETE] * (not row.complete)
    if row.low is None or row.high is None:
        marks.append(BROKEN)
        interval = ""
    else:
        marks += [DISAGREE] * row.seeds_disagree
        interval = f" ({row.low:.2f}–{row.high:.2f})"
    mark = MEASURED_MARK if row.is_at_latency else ""
    rate = f"{row.success_rate:.2f}{mark}{interval}"
    return " ".join(filter(None, [rate, _verdict_text(row), *marks]))


def _verdict_text(row: DelayRow) -> str:
    """Return the verdict on a cell against the plain one, in words."""
    if row.verdict == NON_INFERIOR and row.favours == PLAIN_CELL:
        return f"{PLAIN_CELL} {NON_INFERIOR}"
    return f"{row.verdict} (within the margin)" if row.within_margin else row.verdict


def _tables(rows: Sequence[DelayRow], looks: Looks) -> Iterator[str]:
    """Yield the tables of one task: success, then cost and smoothness."""
    delays = sorted({row.delay for row in rows})
    methods = by_method(rows)
    header = (*_METHOD, *(f"Delay {delay}" for delay in delays))
    yield markdown_table(header, [_line(m, delays, looks, success_text) for m in methods])
    smooth = (*_METHOD, *_COST, *(f"Jump / jerk at {delay}" for delay in delays))
    body = []
    for method in methods:
        name = len(_METHOD)
        line = _line(method, delays, looks, _smoothness_text)
        body.append([*line[:name], *_cost_texts(next(iter(method.values()))), *line[name:]])
    yield markdown_table(smooth, body)


def _line(
    method: dict[int, DelayRow],
    delays: Sequence[int],
    looks: Looks,
    text: Callable[[DelayRow], str],
) -> list[str]:
    """Return the line of one method, with a text for each delay."""
    row = next(iter(method.values()))
    name = [row.execution, looks.label(row.policy), sampler_label(row.sampler, row.steps)]
    return name + [text(method[delay]) if delay in method else "–" for delay in delays]


def _cost_texts(row: DelayRow) -> list[str]:
    """Return the cells of `_COST`; the cost of a decision does not depend on its delay."""
    latency = "–"
    if row.latency_ms_p50 is not None and row.latency_ms_p95 is not None:
        latency = f"{row.latency_ms_p50:.2f} / {row.latency_ms_p95:.2f}"
    delay = str(row.latency_delay) if row.latency_delay else "–"
    return [f"{row.nfe:.4g}", latency, delay]


def _smoothness_text(row: DelayRow) -> str:
    """Return boundary jump and jerk."""
    numbers = (row.boundary_jump, row.jerk)
    if numbers == (None, None):
        return "–"
    return " / ".join("–" if number is None else f"{number:.3f}" for number in numbers)
