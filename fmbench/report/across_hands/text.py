"""Markdown of a comparison of hands: a table, a sentence for each two hands, and what it means."""

from __future__ import annotations

from collections.abc import Iterator

from fmbench.report.across_hands.table import (
    ALIKE,
    OPPOSED,
    UNDECIDED,
    AcrossHands,
    AcrossHandsRow,
)
from fmbench.report.across_tasks.bootstrap import RESAMPLES
from fmbench.report.across_tasks.text import method_name
from fmbench.report.counted import counted
from fmbench.report.looks import Looks
from fmbench.report.markup import escape, markdown_table


def across_hands_markdown(across: AcrossHands, looks: Looks, caveats: tuple[str, ...] = ()) -> str:
    """Return the page of a comparison.

    Args:
        across: The comparison.
        looks: Names of the policies.
        caveats: Caveats of the runs.
    """
    blocks = ["# Order of the policies on different hands"]
    blocks += [f"> **Warning.** {escape(line)}" for line in caveats]
    if across.rows:
        blocks.append(_table(across))
        blocks.append("\n".join(f"- {line}" for line in _sentences(across)))
        blocks.append("## Notes")
    blocks.append("\n".join(f"- {line}" for line in _notes(across, looks)))
    return "\n\n".join(blocks) + "\n"


def pair_name(row: AcrossHandsRow) -> str:
    """Name the two hands, e.g. `shadow and leap`."""
    return f"{row.hand} and {row.other}"


def _table(across: AcrossHands) -> str:
    """Return the table with a line for every two hands."""
    tasks = list(dict.fromkeys(row.task for row in across.rows if row.task))
    found = {(row.backbone, row.hand, row.other, row.task): row for row in across.rows}
    body = []
    for row in across.rows:
        if not row.task:
            of_tasks = (found.get((row.backbone, row.hand, row.other, task)) for task in tasks)
            cells = [_number(cell) if cell else "" for cell in of_tasks]
            body.append([pair_name(row), row.backbone, _number(row), row.verdict, *cells])
    return markdown_table(("Hands", "Network", "Mean of the tasks", "Verdict", *tasks), body)


def _sentences(across: AcrossHands) -> Iterator[str]:
    """Yield a sentence for every two hands."""
    texts = {
        ALIKE: "what is better on one tends to be better on the other",
        OPPOSED: "what is better on one tends to be worse on the other",
        UNDECIDED: "undecided: their orders may agree or not",
    }
    for row in across.rows:
        if not row.task:
            sizes = f"{row.policies} policies with {row.backbone}, {counted(row.tasks, 'task')}"
            yield f"{pair_name(row)}: {texts[row.verdict]} ({sizes}; tau {_number(row)})."


def _notes(across: AcrossHands, looks: Looks) -> Iterator[str]:
    """Yield what the numbers mean, and the policies that are not among them."""
    for method, reason in across.left_out.items():
        yield f"Not included: {escape(method_name(method, looks))} ({escape(reason)})."
    if not across.rows:
        yield "There are no two policies that were run on all tasks of all hands."
        return
    designs = sorted({(row.train_seeds, row.episodes) for row in across.rows})
    told = " or ".join(
        f"{counted(seeds, 'training seed')} x {counted(episodes, 'episode')}"
        for seeds, episodes in designs
    )
    yield (
        "Tau: Kendall's tau-b between the success rates of the policies on the one hand and on the "
        "other, at their headline samplers; 1 is the same order, -1 the reverse, 0 no relation, or "
        "policies that are all equal. Over the tasks that both hands have its mean is taken."
    )
    yield (
        f"In brackets: 95 % bootstrap interval of {RESAMPLES:,} resamples, stratified by task, "
        f"policy and hand ({told}): training seeds are drawn with replacement, then the "
        "episodes of each; quantiles are taken around the observed value and widened by "
        "sqrt(S / (S − 1)) for S seeds. Tasks, policies and hands are fixed, not sampled. Its "
        "coverage has not been simulated."
    )
    yield (
        "Verdict: the interval is above 0 (alike), below 0 (opposed), or neither (undecided). "
        "Alike is not the same order: with a tau of 0.4, of ten pairs of policies seven have the "
        "same order on both hands and three the other one. Undecided is not different: equally "
        "good policies have no order to keep."
    )


def _number(row: AcrossHandsRow) -> str:
    """Format a correlation with its interval."""
    return f"{row.tau:.2f} ({row.low:.2f} to {row.high:.2f})"
