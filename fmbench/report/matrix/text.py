"""Markdown tables and comparisons of a matrix of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from fmbench.report.across_tasks.table import AcrossTasks
from fmbench.report.across_tasks.text import across_tasks_markdown
from fmbench.report.bridge_rates import bridge_note
from fmbench.report.combined import Combined
from fmbench.report.counted import counted
from fmbench.report.design_note import design_note
from fmbench.report.looks import Looks, backbone_order
from fmbench.report.markup import escape, markdown_table
from fmbench.report.matrix.pairs import EQUAL_NFE, HEADLINE
from fmbench.report.matrix.rows import MatrixRow
from fmbench.report.outside import OutsidePairs
from fmbench.report.results import Results
from fmbench.report.sentences import left_out, sentences, tally
from fmbench.report.verdicts import UNDECIDED, definitions
from fmbench.storage.rows import REFERENCES, key_of


def matrix_markdown(
    rows: Sequence[MatrixRow],
    runs: Sequence[Results],
    equal_nfe: Sequence[pd.DataFrame],
    combined: Combined,
    across: AcrossTasks | None = None,
    outside: Sequence[OutsidePairs] = (),
) -> str:
    """Write success over network evaluations, diagnostics and comparisons of every task.

    Args:
        rows: All rows.
        runs: The runs they come from, for the comparisons.
        equal_nfe: Of each run, the comparisons at equal numbers of evaluations.
        combined: Their caveats and the marks of rows.
        across: The comparison over all tasks, if there are several.
        outside: Policies from outside against those of the other runs.
    """
    looks = Looks(*(results.run for results in runs))
    title = "Success rate by number of network evaluations (NFE)"
    if any(results.run.config.get("budget") == "rows" for results in runs):
        title += ", trained with equal rows of the network"
    blocks = [f"# {combined.title(title)}"]
    blocks += [f"> **Warning.** {escape(line)}" for line in combined.caveats]
    compared = [
        (_by_task(results.comparisons), _by_task(at_equal_nfe))
        for results, at_equal_nfe in zip(runs, equal_nfe, strict=True)
    ]
    for task in dict.fromkeys(row.task for row in rows):
        of_task = [row for row in rows if row.task == task]
        of_task.sort(key=lambda row: _order(row, looks))
        success = _success_table(of_task, looks, combined)
        blocks += [f"## {task}", success, *_bridge_table(of_task, looks)]
        blocks += _diagnostics_table(of_task, looks)
        if lines := list(_comparisons(runs, compared, task, looks)):
            blocks += [f"### Comparisons on {task}", "\n".join(lines)]
    blocks += _outside(outside)
    if across:
        blocks += across_tasks_markdown(across, looks, combined.marks)
    if across or outside:
        blocks.append("## Notes")
    bridges = filter(None, [bridge_note(pd.concat([run.diagnostics for run in runs]))])
    largest = max(len(results.comparisons) for results in runs)
    whose = " of fmbench's own policies" if any(looks.is_outside(x.policy) for x in rows) else ""
    notes = (*_notes(rows, largest, runs[0].margin, whose), *bridges, *combined.notes())
    if outside:
        notes += (
            "Policies from outside were trained by other libraries. Agents of python -m "
            "fmbench.rl have their last weights; which of a LeRobot training's these are is not "
            "known here. Each is compared with the policies of each run on common training seeds "
            "and episodes, Holm-adjusted over those.",
        )
    blocks.append("\n".join(f"- {line}" for line in notes))
    return "\n\n".join(blocks) + "\n"


def _order(row: MatrixRow, looks: Looks) -> tuple[object, ...]:
    return backbone_order(row.backbone), looks.order(row.policy), row.sampler, row.steps


def _success_table(rows: Sequence[MatrixRow], looks: Looks, combined: Combined) -> str:
    """Return a line per backbone, policy and sampler, with a column per NFE."""
    counts = sorted({round(row.nfe) for row in rows if row.policy not in REFERENCES})
    lines: dict[tuple[str, str, str], dict[int, str]] = {}
    for row in rows:
        line = lines.setdefault((row.backbone, row.policy, row.sampler), {})
        interval = "" if combined.is_broken(key_of(row)) else f" ({row.low:.2f}–{row.high:.2f})"
        mark = combined.marks.get(key_of(row), "")
        line[round(row.nfe)] = f"{row.success_rate:.3f}{interval} {mark}".rstrip()
    body = []
    for (backbone, policy, sampler), text_by_nfe in lines.items():
        if policy in REFERENCES:
            text = next(iter(text_by_nfe.values()))
            body.append([policy, "–", text, *["" for _ in counts[1:]]])
        else:
            name = f"{looks.label(policy)}, {backbone}"
            body.append([name, sampler, *(text_by_nfe.get(count, "") for count in counts)])
    return markdown_table(("Policy", "Sampler", *(f"NFE {count}" for count in counts)), body)


def _bridge_table(rows: Sequence[MatrixRow], looks: Looks) -> Iterator[str]:
    """Yield the bridge rates of a task, with a column per NFE; nothing if it has none."""
    rows = [row for row in rows if row.bridge_rate is not None]
    if not rows:
        return
    counts = sorted({round(row.nfe) for row in rows})
    lines: dict[tuple[str, str], dict[int, str]] = {}
    for row in rows:
        line = lines.setdefault((f"{looks.label(row.policy)}, {row.backbone}", row.sampler), {})
        line[round(row.nfe)] = f"{row.bridge_rate:.3f} ({row.bridge_low:.2f}–{row.bridge_high:.2f})"
    expert = next(row.expert_bridge_rate for row in rows)
    body = [["expert", "–", f"{expert:.3f}", *["" for _ in counts[1:]]]]
    body += [[*names, *(line.get(count, "") for count in counts)] for names, line in lines.items()]
    yield markdown_table(("Bridge rate", "Sampler", *(f"NFE {count}" for count in counts)), body)


def _diagnostics_table(rows: Sequence[MatrixRow], looks: Looks) -> Iterator[str]:
    """Yield the diagnostics of every policy at its headline sampler; nothing if none has them.

    Network rows have a column where some were counted, which earlier runs did not do.
    """
    rows = [row for row in rows if row.chunk_distance is not None]
    if not rows:
        return
    has_costs = any(row.rows_per_update for row in rows)
    header = (
        "Policy",
        "Sampler",
        "Parameters",
        *(["Updates x network rows"] if has_costs else []),
        "Distance to the expert's chunk",
        "Distance of the nearest sample",
        "Straightness (0 = straight)",
        "Modes",
    )
    body = [
        [
            f"{looks.label(row.policy)}, {row.backbone}",
            f"{row.sampler} {row.steps}",
            f"{row.parameters or 0:,.0f}",
            *([_training_cost(row)] if has_costs else []),
            f"{row.chunk_distance:.3f}",
            f"{row.nearest_chunk_distance:.3f}",
            "–" if row.straightness is None else f"{row.straightness:.3f}",
            row.modes or "–",
        ]
        for row in rows
    ]
    yield markdown_table(header, body)


def _training_cost(row: MatrixRow) -> str:
    """Return the updates of a policy and their network rows, and the updates of its teacher."""
    if row.updates is None or not row.rows_per_update:
        return "–"
    teacher = f" + {row.teacher_updates:,.0f}" if row.teacher_updates else ""
    return f"{row.updates:,.0f} x {row.rows_per_update:g}{teacher}"


def _by_task(comparisons: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(task): rows for task, rows in comparisons.groupby("task", sort=False)}


def _comparisons(
    runs: Sequence[Results],
    compared: Sequence[tuple[dict[str, pd.DataFrame], ...]],
    task: str,
    looks: Looks,
) -> Iterator[str]:
    """Yield the verdicts of each run on a task: their numbers, and those that are not undecided."""
    for results, tables in zip(runs, compared, strict=True):
        backbone = results.run.config["backbone"]
        yield from (f"- {backbone}: {line}" for line in left_out(results, task))
        if results.unfinished:
            yield f"- {backbone}: policies are compared when the run has finished"
            continue
        for samplers, by_task in zip((HEADLINE, EQUAL_NFE), tables, strict=True):
            if (of_task := by_task.get(task)) is None:
                continue
            yield f"- {backbone}, {samplers}: {tally(of_task['verdict'])}"
            decided = of_task[of_task["verdict"] != UNDECIDED]
            yield from (f"  - {line}" for line in sentences(decided, looks))


def _outside(pairs: Sequence[OutsidePairs]) -> Iterator[str]:
    """Yield how policies from outside stand against those of each run, and what differs."""
    if not pairs:
        return
    yield "## Policies from outside"
    for pair in pairs:
        backbone = pair.other.run.config["backbone"]
        labels = " and ".join(pair.looks.label(policy) for policy in pair.outside.run.policies)
        tasks = " and ".join(dict.fromkeys(pair.table["task"]))
        verdicts = tally(pair.table["verdict"])
        lines = [f"{labels} on {tasks} against the policies with {backbone}: {verdicts}"]
        lines += [f"  - {line}" for line in sentences(pair.table, pair.looks)]
        lines += [f"  - **Differs:** {escape(line)}" for line in pair.differences]
        yield "\n".join([f"- {lines[0]}", *lines[1:]])


def _notes(rows: Sequence[MatrixRow], comparisons: int, margin: float, whose: str) -> Iterator[str]:
    """Yield the notes that explain the numbers.

    Args:
        rows: The rows.
        comparisons: The most that a run has.
        margin: Of the verdicts.
        whose: Which policies have EMA weights, if not all.
    """
    seeds = sorted({row.train_seeds for row in rows if row.backbone})
    episodes = sorted({row.episodes // max(row.train_seeds, 1) for row in rows})
    yield (
        f"Success rate: mean over {counted(seeds, 'training seed')} with "
        f"{counted(episodes, 'test episode')} each, the last EMA "
        f"checkpoint{whose}. In brackets: 95 % interval over training seeds (Wilson interval for "
        "one seed, the expert and random actions)."
    )
    yield (
        "NFE: network evaluations per chunk, counted at the network, and rounded where a sampler "
        "chooses its own steps. The expert and random actions evaluate no network and are listed "
        "in the first column. Empty cells were not run."
    )
    yield (
        "Distance: root mean square between a sampled chunk and the expert's in held-out episodes, "
        "over actions normalised to -1 to 1; on tasks with several modes only the nearest sample "
        "is informative. Modes: number of episodes per mode, over all training seeds."
    )
    if any(row.rows_per_update for row in rows if row.chunk_distance is not None):
        yield (
            "Updates x network rows: gradient steps, and rows of the network that each evaluates "
            "per window of its batch, counted at the network; a flow has 1. The updates of a "
            "teacher are added."
        )
    yield (
        f"Comparisons, Holm-adjusted over those of a run: {definitions(margin)} How the intervals "
        "and their coverage were found: docs/statistics.md."
    )
    designs = {(row.train_seeds, row.episodes // row.train_seeds) for row in rows if row.backbone}
    yield from (design_note(*design, comparisons) for design in sorted(designs))
