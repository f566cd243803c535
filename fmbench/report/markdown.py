"""Summary of a run as Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from fmbench.report.comparisons import NO_DIFFERENCE, leaders
from fmbench.report.looks import Looks, has_choice_of_steps
from fmbench.report.results import Results
from fmbench.report.summary import CELL
from fmbench.storage.rows import CellRow

SMOKE = "SMOKE RUN: these numbers test the software, not the policies."
_HEADER = (
    "Policy",
    "Sampler",
    "Success",
    "95 % interval",
    "NFE",
    "Latency p50 / p95 [ms]",
    "Parameters",
    "Training time",
)
_GRID_HEADER = (
    *_HEADER[:6],
    "At any step",
    "At last step",
    "Progress",
    "Modes",
    "Unstable",
    "Errors",
)
INCOMPLETE = "(incomplete)"
"""Marks a policy with a training seed that lacks episodes."""


def summary_markdown(results: Results) -> str:
    """Write the summary of a run as Markdown.

    It has the headline table and comparisons of each task, all samplers and step counts, the
    diagnostics, and notes. A policy that is significantly ahead of all others is bold.
    """
    blocks = ["# Results"]
    if results.is_smoke:
        blocks.append(f"> # ⚠ {SMOKE}")
    blocks += [f"> **Warning.** {_escape(line)}" for line in results.warnings]
    for task in dict.fromkeys(results.summary["task"]):
        blocks += [f"## {_escape(task)}", _headline_table(results, task)]
        if lines := [f"- {_escape(line)}" for line in comparison_sentences(results, task)]:
            blocks.append("\n".join(lines))
    blocks.append("## All samplers and step counts")
    for task, rows in results.summary.groupby("task", sort=False):
        body = [[*cells(row, results.looks)[:6], *_more_cells(row)] for row in rows.itertuples()]
        blocks += [f"### {_escape(str(task))}", markdown_table(_GRID_HEADER, body)]
    if not results.diagnostics.empty:
        blocks += ["## Diagnostics of sampled chunks", _diagnostics_table(results)]
    has_gaps = any(INCOMPLETE in block for block in blocks)
    notes = "\n".join(f"- {line}" for line in _notes(results, has_gaps))
    blocks += ["## Notes", notes]
    return "\n\n".join(blocks) + "\n"


def comparison_sentences(results: Results, task: str) -> list[str]:
    """Describe each comparison of a task in one sentence."""
    return sentences(results.comparisons[results.comparisons["task"] == task], results.looks)


def sentences(comparisons: pd.DataFrame, looks: Looks) -> list[str]:
    """Describe each comparison in one sentence."""
    return [f"{verdict(row, looks)}{_evidence(row, looks)}." for row in comparisons.itertuples()]


def sampler_label(sampler: str, steps: int) -> str:
    """Name a sampler, with its steps where they are a choice, e.g. `euler 10`."""
    if not sampler:
        return "–"
    return f"{sampler} {steps}" if steps > 0 and has_choice_of_steps(sampler) else sampler


def verdict(row: Any, looks: Looks) -> str:
    """Describe the verdict of a comparison in words."""
    a, b = looks.label(row.policy_a), looks.label(row.policy_b)
    if row.verdict == NO_DIFFERENCE:
        return f"{NO_DIFFERENCE} between {a} and {b}"
    if row.verdict == "not comparable":
        return f"{a} and {b} have no common episodes and cannot be compared"
    return f"{a} ahead of {b}" if row.difference > 0 else f"{b} ahead of {a}"


def _evidence(row: Any, looks: Looks) -> str:
    """Describe the evidence of a verdict: difference, interval, sample size, test and p-value."""
    if row.verdict == "not comparable":
        return ""
    interval = "" if math.isnan(row.low) else f" ({row.low:+.3f} to {row.high:+.3f})"
    a, b = looks.label(row.policy_a), looks.label(row.policy_b)
    text = f": success rate {a} − {b} = {row.difference:+.3f}{interval}"
    if row.train_seeds == 1:
        text += (
            f" over 1 training seed, {row.episodes} common episodes ({row.b:.0f} solved only by"
            f" {a}, {row.c:.0f} only by {b})"
        )
    else:
        text += f" over {row.train_seeds} training seeds, {row.episodes} common episodes each"
    return f"{text}; {row.test} {_p(row.p)}, Holm-adjusted {_p(row.p_holm)}"


def headline_rows(results: Results, task: str) -> list[Any]:
    """Return the headline rows of a task in order."""
    of_task = results.summary[(results.summary["task"] == task) & results.summary["headline"]]
    return list(of_task.itertuples())


def _headline_table(results: Results, task: str) -> str:
    """Return the headline table of one task, with a line for every policy without episodes."""
    ahead = leaders(results.comparisons).get(task)
    body = []
    for row in headline_rows(results, task):
        texts = [_escape(cell) for cell in cells(row, results.looks)]
        if row.policy == ahead:
            texts[0], texts[2] = f"**{texts[0]}**", f"**{texts[2]}**"
        body.append(texts)
    present = set(results.summary.loc[results.summary["task"] == task, "policy"])
    for policy in sorted(set(results.summary["policy"]) - present, key=results.looks.order):
        body.append(
            [_escape(results.looks.label(policy)), "–", f"no episodes {INCOMPLETE}", *["–"] * 5]
        )
    return markdown_table(_HEADER, body, escaped=True)


def cells(row: Any, looks: Looks) -> list[str]:
    """Return the cells of `_HEADER` for one row of the summary."""
    if row.train_seeds == 1:
        success = f"{row.successes}/{row.episodes}"
    else:
        success = f"{row.success_rate:.3f} ({row.train_seeds} seeds)"
    latency = f"{_number(row.latency_ms_p50)} / {_number(row.latency_ms_p95)}"
    return [
        looks.label(row.policy),
        sampler_label(row.sampler, row.steps),
        success + ("" if row.complete else f" {INCOMPLETE}"),
        f"{row.low:.3f}–{row.high:.3f}",
        _evaluations(row),
        "–" if math.isnan(row.latency_ms_p50) else latency,
        f"{row.parameters:,.0f}" if row.parameters > 0 else "–",
        _duration(row.training_time_s),
    ]


def _evaluations(row: Any) -> str:
    """Format the mean NFE, with the 5th to 95th percentile where episodes differ."""
    mean = f"{row.nfe:.0f}" if row.nfe == round(row.nfe) else f"{row.nfe:.1f}"
    low, high = f"{row.nfe_p5:.0f}", f"{row.nfe_p95:.0f}"
    return mean if low == high else f"{mean} ({low}–{high})"


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
    rows = results.diagnostics.astype({"straightness": float})
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


def _notes(results: Results, has_gaps: bool) -> Iterator[str]:
    """Yield the notes that explain the numbers."""
    episodes = results.episodes
    train_seeds = sorted({int(seed) for seed in episodes["train_seed"] if seed >= 0})
    counts = episodes.groupby(list(CellRow.key)).size()
    n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    first, last = episodes["episode_seed"].min(), episodes["episode_seed"].max()
    yield (
        f"Each policy and sampler was evaluated on n = {n} episodes per training seed, with episode"
        f" seeds {first} to {last}, the same for every policy. Episodes that diverge or raise an"
        " error count as failures."
    )
    seeds_note = ". With one training seed, the results describe single checkpoints, not methods"
    yield (
        f"Training seeds: {', '.join(map(str, train_seeds)) or 'none, nothing was trained'}"
        f"{seeds_note if len(train_seeds) == 1 else ''}."
    )
    yield "Evaluated weights: the last EMA checkpoint, never the best one."
    yield (
        "Success: the condition holds for the task's number of consecutive control steps. At any"
        " step, at last step: fraction of episodes in which it is met at one control step or more,"
        " and at the last one. Modes: number of episodes per mode, on tasks with several modes."
    )
    if (results.summary["nfe_p5"] != results.summary["nfe_p95"]).any():
        yield (
            "NFE: mean over decisions. Where a sampler chooses its own steps, the brackets give the"
            " 5th to 95th percentile over episodes, each the mean over its decisions."
        )
    kinds = set(results.summary["interval"])
    if "Wilson 95 %" in kinds:
        yield "Interval for one trained policy: Wilson 95 %, over its episodes."
    if "t over seeds 95 %" in kinds:
        yield (
            "Interval for several training seeds: 95 % t interval of the mean of the seed means."
            " Their standard deviation is taken to be at least one episode (1/n). Episodes are"
            " never pooled over seeds."
        )
    if not results.comparisons.empty:
        yield (
            "Comparisons use headline samplers and common episode seeds. P-values are Holm-adjusted"
            f" over all {len(results.comparisons)} comparisons of the run. `A ahead of B` means"
            " that A has the higher success rate and the adjusted p is below 0.05. Otherwise there"
            f" is {NO_DIFFERENCE}, which does not show that the policies are equal. The 95 %"
            " interval of a difference (bootstrap over episodes, or t over training seeds) is not"
            " adjusted; the verdict follows the test."
        )
    if not results.diagnostics.empty:
        samples, windows = (results.diagnostics[name].max() for name in ("samples", "windows"))
        yield (
            "Distance: root mean square between a sampled chunk and the expert's, over actions"
            f" normalised to -1 to 1; mean of {samples} samples at each of {windows} windows of"
            " held-out expert episodes. On tasks with several modes only the nearest sample is"
            " informative, because a sample of another valid mode is far from the expert's chunk."
            " Straightness: mean squared deviation of the path from noise to chunk from constant"
            " velocity, divided by its squared length."
        )
    if has_gaps:
        yield f"{INCOMPLETE}: a training seed lacks episodes that other rows of the task have."
    yield f"Device: {_listed(results.origins['device'])}. Commit: {_commit(results)}."
    if versions := results.run.versions:
        yield f"Versions: {', '.join(_escape(f'{k} {v}') for k, v in versions.items())}."
    if results.run.task_hashes and results.run.hash_kind is None:
        yield (
            "Task hashes: of an earlier kind that matches no current hash. The run can be redrawn,"
            " but not resumed, rescored or used as a teacher."
        )


def _commit(results: Results) -> str:
    """Return the commit of the run, or of its rows."""
    commit = results.run.commit
    return _escape(commit) if commit else _listed(results.origins["commit"])


def _listed(values: Iterable[str]) -> str:
    """List the distinct values of a column."""
    return ", ".join(_escape(value) for value in sorted(set(values)) if value) or "unknown"


def markdown_table(
    header: Sequence[str], body: Sequence[Sequence[str]], escaped: bool = False
) -> str:
    """Return a Markdown table; the first two columns are left-aligned, the others right."""
    rule = [":--" if i < 2 else "--:" for i in range(len(header))]
    rows = [row if escaped else [_escape(cell) for cell in row] for row in body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows))


def _escape(text: str) -> str:
    """Escape characters that Markdown or HTML would interpret as markup."""
    for mark in ("\\", "|", "*", "`", "[", "]"):
        text = text.replace(mark, f"\\{mark}")
    return re.sub(r"<(?=\S)", "&lt;", text)


def _number(value: float) -> str:
    """Format a positive number with two decimals below 10, one below 100, else none."""
    if math.isnan(value):
        return "–"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def _p(p: float) -> str:
    """Format a p-value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _duration(seconds: float) -> str:
    """Format a duration in seconds below 2 min, in minutes below 2 h, else in hours."""
    if not seconds > 0:
        return "–"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
