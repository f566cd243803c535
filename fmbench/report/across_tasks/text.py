"""Markdown of a comparison over all tasks: two kinds of tables, and what their numbers mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fmbench.report.across_tasks.bootstrap import RESAMPLES
from fmbench.report.across_tasks.table import (
    IMPROVEMENT,
    IQM,
    MEAN,
    PROFILE,
    AcrossTasks,
    AcrossTasksRow,
    Method,
)
from fmbench.report.counted import counted
from fmbench.report.looks import Looks
from fmbench.report.markup import escape, markdown_table
from fmbench.report.row_texts import sampler_label

SHOWN = (0.5, 0.9)
"""Thresholds whose shares are in the table; the figure and the file have all."""
COVERAGE = {3: (0.854, 0.931), 5: (0.888, 0.944), 10: (0.912, 0.953)}
"""Training seeds to the smallest and the mean coverage of the four intervals, where seeds deviate
by 0.3 of the possible: `results/intervals/across_tasks.csv`."""
BEYOND = 0.422
"""Smallest coverage with three seeds that each learn a task or fail it altogether."""


def across_tasks_markdown(
    across: AcrossTasks, looks: Looks, marks: Mapping[tuple[object, ...], str]
) -> list[str]:
    """Return the blocks of the section.

    Args:
        across: The comparison.
        looks: Names of the policies.
        marks: Task and method to a mark, e.g. `(seeds disagree)`; most have none.
    """
    marks_of = {
        method: " ".join(sorted({marks.get((task, *method), "") for task in across.tasks} - {""}))
        for method in {row.method for row in across.rows}
    }
    by_quantity: dict[str, list[AcrossTasksRow]] = {}
    for row in across.rows:
        by_quantity.setdefault(row.quantity, []).append(row)
    blocks = [f"## Across {counted(len(across.tasks), 'task')}"]
    if across.rows:
        blocks.append(_aggregates(by_quantity, looks, marks_of))
        blocks += _improvements(by_quantity.get(IMPROVEMENT, []), looks)
    blocks.append("\n".join(f"- {line}" for line in _notes(across, looks)))
    return blocks


def method_name(method: Method, looks: Looks) -> str:
    """Name a policy and its backbone, e.g. `flow, mlp`."""
    return ", ".join(filter(None, (looks.label(method.policy), method.backbone)))


def _aggregates(
    by_quantity: Mapping[str, list[AcrossTasksRow]], looks: Looks, marks: Mapping[Method, str]
) -> str:
    """Return the table with a line per policy."""
    middles = {row.method: row for row in by_quantity[IQM]}
    shares = {
        (row.method, row.threshold): row for row in by_quantity[PROFILE] if row.threshold in SHOWN
    }
    body = [
        [
            f"{method_name(row.method, looks)} {marks.get(row.method, '')}".rstrip(),
            sampler_label(row.sampler, row.steps),
            _number(row, 3),
            _number(middles[row.method], 3),
            *(_number(shares[row.method, threshold], 2) for threshold in SHOWN),
        ]
        for row in by_quantity[MEAN]
    ]
    above = (f"Scores above {threshold:g}" for threshold in SHOWN)
    return markdown_table(("Policy", "Sampler", "Mean", "Inter-quartile mean", *above), body)


def _improvements(rows: list[AcrossTasksRow], looks: Looks) -> Iterator[str]:
    """Yield a table per backbone: the policy of the line over that of the column."""
    for backbone in dict.fromkeys(row.backbone for row in rows):
        of_backbone = [row for row in rows if row.backbone == backbone]
        found = {(row.policy, row.against): _number(row, 2) for row in of_backbone}
        lines = list(dict.fromkeys(row.policy for row in of_backbone))
        columns = list(dict.fromkeys(row.against for row in of_backbone))
        title = f"Improves, {backbone}" if backbone else "Improves"
        header = (title, *(f"on {looks.label(policy)}" for policy in columns))
        body = [
            [looks.label(policy), *(found.get((policy, other), "") for other in columns)]
            for policy in lines
        ]
        yield markdown_table(header, body)


def _notes(across: AcrossTasks, looks: Looks) -> Iterator[str]:
    """Yield what the numbers mean, and the policies that are not among them."""
    for method, reason in across.left_out.items():
        yield f"Not included: {escape(method_name(method, looks))} ({escape(reason)})."
    if not across.rows:
        return
    designs = sorted({(row.train_seeds, row.episodes) for row in across.rows})
    told = " or ".join(
        f"{counted(seeds, 'training seed')} x {counted(episodes, 'test episode')}"
        for seeds, episodes in designs
    )
    tasks = counted(len(across.tasks), "task")
    yield (
        f"{tasks} ({escape(', '.join(across.tasks))}), {told} of each policy on"
        " each task, headline samplers. A score is the success rate of one training seed on one"
        " task. A policy that lacks a task, or training seeds on one, or that broke is left out."
    )
    yield (
        "Inter-quartile mean: mean of the middle half of all scores. Scores above: share of them"
        " above that success rate, the performance profile. Improves: probability that a training"
        " seed of the policy in the line scores above one of that in the column, mean over the"
        " tasks, equal scores one half. Definitions: arXiv:2108.13264."
    )
    yield (
        f"In brackets: 95 % bootstrap interval of {RESAMPLES:,} resamples, stratified by task: on"
        " every task training seeds are drawn with replacement, then the episodes of each;"
        " quantiles, but for those of the profile, are taken around the observed value and widened"
        " by sqrt(S / (S − 1)) for S seeds. The tasks are fixed, not"
        " sampled: the intervals say nothing about other tasks. No verdict follows from them."
    )
    yield from _coverage(sorted({seeds for seeds, _ in designs}))


def _coverage(designs: list[int]) -> Iterator[str]:
    """Yield how far the intervals can be trusted."""
    if 1 in designs:
        yield (
            "One training seed: only its episodes are drawn. The interval describes these"
            " checkpoints, not the policy."
        )
    if designs != [1]:
        shares = ", ".join(
            f"{100 * least:.0f} % with {seeds} seeds ({100 * average:.0f} % on average)"
            for seeds, (least, average) in COVERAGE.items()
        )
        yield (
            "**With few training seeds these intervals can be too narrow.** In a simulation with 3"
            " to 21 tasks and seeds that deviate by 0.3 of the possible, they covered the"
            f" true value in at least {shares}; where each of 3 seeds learns a task or fails it"
            f" altogether, in as little as {100 * BEYOND:.0f} %. An interval without width says"
            " that these seeds were alike, not that others would be. More: docs/statistics.md."
        )


def _number(row: AcrossTasksRow, digits: int) -> str:
    """Format a value with its interval."""
    return f"{row.value:.{digits}f} ({row.low:.2f}–{row.high:.2f})"
