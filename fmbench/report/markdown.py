"""Summary of a run as Markdown."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from fmbench.report.across_tasks.table import AcrossTasks, method_of
from fmbench.report.across_tasks.text import across_tasks_markdown
from fmbench.report.bridge_rates import BridgeRate, bridge_rates
from fmbench.report.leaders import leaders
from fmbench.report.markup import escape, markdown_table
from fmbench.report.notes import notes
from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.results import Results
from fmbench.report.row_texts import (
    BROKEN,
    DISAGREE,
    HEADER,
    INCOMPLETE,
    cells,
    rate_marks,
    sampler_label,
)
from fmbench.report.sentences import left_out, sentences
from fmbench.report.training_cost import training_cost_table

SMOKE = "SMOKE RUN: these numbers test the software, not the policies."
_GRID_HEADER = (
    *HEADER[:6],
    "At any step",
    "At last step",
    "Progress",
    "Modes",
    "Unstable",
    "Errors",
)
_BRIDGE_HEADER = ("Bridge rate", "Rarest way")


def summary_markdown(results: Results, across: AcrossTasks | None = None) -> str:
    """Write the summary of a run as Markdown.

    It has the headline table and comparisons of each task, a comparison over all tasks, all
    samplers and step counts, the diagnostics, and notes. A policy that is ahead of all others is
    bold.

    Args:
        results: The run.
        across: Its policies, compared over all tasks; None if they are not.
    """
    blocks = [f"# Results ({results.unfinished})" if results.unfinished else "# Results"]
    if results.is_smoke:
        blocks.append(f"> # ⚠ {SMOKE}")
    lines = (*results.caveats, *results.warnings)
    blocks += [f"> **Warning.** {escape(line)}" for line in lines]
    for task in dict.fromkeys(results.summary["task"]):
        blocks += [f"## {escape(task)}", _headline_table(results, task)]
        if compared := comparison_sentences(results, task):
            blocks.append("\n".join(f"- {escape(line)}" for line in compared))
    if across:
        blocks += across_tasks_markdown(across, results.looks, _marks(results))
    blocks.append("## All samplers and step counts")
    for task in dict.fromkeys(results.summary["task"]):
        blocks += [f"### {escape(str(task))}", _grid(results, task)]
    if results.diagnostics["chunk_distance"].notna().any():
        blocks += ["## Diagnostics of sampled chunks", _diagnostics_table(results)]
    if costs := training_cost_table(results):
        blocks += ["## Cost of training", costs]
    text = "".join(blocks)
    marks = [mark for mark in (INCOMPLETE, BROKEN, DISAGREE) if mark in text]
    explanations = "\n".join(f"- {line}" for line in notes(results, marks))
    blocks += ["## Notes", explanations]
    return "\n\n".join(blocks) + "\n"


def _marks(results: Results) -> dict[tuple[object, ...], str]:
    """Return the marks of headlines, by task and method."""
    rows: list[Any] = _rows(results.summary[results.summary["headline"]])
    return {
        (row.task, *method_of(results, row.policy, row.sampler, row.steps)): " ".join(
            rate_marks(row, results.is_broken(row))
        )
        for row in rows
    }


def comparison_sentences(results: Results, task: str) -> list[str]:
    """Describe each comparison of a task in one sentence, and who is not compared."""
    of_task = results.comparisons[results.comparisons["task"] == task]
    return sentences(of_task, results.looks) + [f"{line}." for line in left_out(results, task)]


def headline_rows(results: Results, task: str) -> list[Any]:
    """Return the headline rows of a task in order."""
    of_task = results.summary[(results.summary["task"] == task) & results.summary["headline"]]
    return list(of_task.itertuples())


def _headline_table(results: Results, task: str) -> str:
    """Return the headline table of one task, with a line for every policy without episodes."""
    compared = results.comparisons[results.comparisons["task"] == task]
    ahead = leaders(compared, results.not_compared(task)).get(task)
    body = []
    for row in headline_rows(results, task):
        texts = [escape(cell) for cell in _cells(row, results)]
        if row.policy == ahead:
            texts[0], texts[2] = f"**{texts[0]}**", f"**{texts[2]}**"
        body.append(texts)
    present = set(results.summary.loc[results.summary["task"] == task, "policy"])
    for policy in sorted(set(results.summary["policy"]) - present, key=results.looks.order):
        body.append(
            [escape(results.looks.label(policy)), "–", f"no episodes {INCOMPLETE}", *["–"] * 5]
        )
    return markdown_table(HEADER, body, escaped=True)


def _cells(row: Any, results: Results) -> list[str]:
    """Return the cells of `HEADER` for one row of the summary."""
    return cells(row, results.looks, results.is_broken(row))


def _grid(results: Results, task: str) -> str:
    """Return the table of all samplers and step counts of one task."""
    rows: list[Any] = _rows(results.summary[results.summary["task"] == task])
    body = [[*_cells(row, results)[:6], *_more_cells(row)] for row in rows]
    rates = {cell: r for cell, r in bridge_rates(results.diagnostics).items() if cell.task == task}
    if not rates:
        return markdown_table(_GRID_HEADER, body)
    expert = next(iter(rates.values())).expert
    for row, texts in zip(rows, body, strict=True):
        rate = rates.get(SummaryKey(row.task, row.policy, row.sampler, row.steps))
        of_expert = [f"{expert:.3f}", "–"]
        texts[4:4] = of_expert if row.policy == "expert" else _bridge_cells(rate)
    return markdown_table((*_GRID_HEADER[:4], *_BRIDGE_HEADER, *_GRID_HEADER[4:]), body)


def _bridge_cells(rate: BridgeRate | None) -> list[str]:
    """Return the cells of `_BRIDGE_HEADER`."""
    if rate is None:
        return ["–", "–"]
    minor = "–" if math.isnan(rate.minor_way) else f"{rate.minor_way:.2f}"
    return [f"{rate.rate:.3f} ({rate.low:.3f}–{rate.high:.3f})", minor]


def _more_cells(row: Any) -> list[str]:
    """Return the cells that only the table of all samplers shows."""
    rates = [f"{rate:.3f}" for rate in (row.success_any, row.success_end, row.progress)]
    return [*rates, row.modes or "–", str(row.unstable), str(row.errors)]


def _diagnostics_table(results: Results) -> str:
    """Return the diagnostics of every policy at its headline sampler, averaged over its seeds."""
    header = (
        "Task",
        "Policy",
        "Sampler",
        "Distance to the expert's chunk",
        "Distance of the nearest sample",
        "Straightness (0 = straight)",
    )
    compared = results.diagnostics["chunk_distance"].notna()
    rows = results.diagnostics[compared].astype({"straightness": float})
    names = ["chunk_distance", "nearest_chunk_distance", "straightness"]
    means = rows.groupby(CELL, sort=False)[names].mean().reset_index()
    body = [
        [
            str(row.task),
            results.looks.label(str(row.policy)),
            sampler_label(str(row.sampler), int(row.steps)),
            f"{row.chunk_distance:.3f}",
            f"{row.nearest_chunk_distance:.3f}",
            "–" if math.isnan(row.straightness) else f"{row.straightness:.4f}",
        ]
        for row in _rows(means)
    ]
    return markdown_table(header, body)


def _rows(table: pd.DataFrame) -> list[Any]:
    """Return the rows of a table as named tuples."""
    return list(table.itertuples())
