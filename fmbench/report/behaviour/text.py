"""Markdown tables of the behaviour of policies, with notes that explain them."""

from __future__ import annotations

from collections.abc import Sequence

from fmbench.report.behaviour.rows import CellBehaviour
from fmbench.report.looks import Looks
from fmbench.report.markdown import SMOKE
from fmbench.report.markup import escape, markdown_table
from fmbench.report.results import Results
from fmbench.report.row_texts import sampler_label

TITLE = "Behaviour beyond success"
_HEADER = (
    "Policy",
    "Sampler",
    "Success",
    "Peak force p50 / p90 [N]",
    "Drops per episode",
    "Jerk",
)
NOTES = (
    "Peak force: the largest normal force of a single contact of the hand during an episode, at"
    " the end of each control step; median and 90th percentile over the episodes.",
    "Drops: how often an object that the hand carried was out of it again, elsewhere than at its"
    " goal; mean per episode, with a 95 % interval (a bootstrap over starts and training seeds, no"
    " narrower than that of a Poisson rate). – where nothing can be dropped.",
    "Jerk: mean absolute third difference of the commands.",
    "The last columns: share of episodes whose furthest stage this is. The last stage is the"
    " success; `start` is an episode that reached none.",
    "Episodes with a delay or a disturbance are left out. A failure lasts longer than a success,"
    " so that it has more time for a large force or a drop.",
)


def behaviour_markdown(found: Sequence[CellBehaviour], results: Results) -> str:
    """Write a table for every task.

    Args:
        found: The behaviour of the headlines; at least one.
        results: Their run.
    """
    blocks = [f"# {TITLE} ({results.unfinished})" if results.unfinished else f"# {TITLE}"]
    if results.is_smoke:
        blocks.append(f"> # ⚠ {SMOKE}")
    blocks += [f"> **Warning.** {escape(line)}" for line in results.caveats]
    for task in dict.fromkeys(each.row.task for each in found):
        of_task = [each for each in found if each.row.task == task]
        blocks += [f"## {escape(task)}", _table(of_task, results.looks)]
    blocks += ["## Notes", "\n".join(f"- {line}" for line in NOTES)]
    return "\n\n".join(blocks) + "\n"


def stages_of_task(of_task: Sequence[CellBehaviour]) -> list[tuple[int, str]]:
    """Return the stages at which episodes of a task ended, each with its number, in order."""
    return sorted({stage for each in of_task for stage in each.stages})


def _table(of_task: Sequence[CellBehaviour], looks: Looks) -> str:
    stages = stages_of_task(of_task)
    header = (*_HEADER, *(name for _, name in stages))
    return markdown_table(header, [_line(each, stages, looks) for each in of_task])


def _line(each: CellBehaviour, stages: Sequence[tuple[int, str]], looks: Looks) -> list[str]:
    row = each.row
    shares = [f"{each.stages.get(stage, 0.0):.2f}" if each.stages else "–" for stage in stages]
    drops = "–"
    if row.drops is not None and row.drops_low is not None and row.drops_high is not None:
        drops = f"{row.drops:.2f} ({row.drops_low:.2f}–{row.drops_high:.2f})"
    return [
        looks.label(row.policy),
        sampler_label(row.sampler, row.steps),
        f"{row.success_rate:.3f}",
        f"{_number(row.peak_force_median, '.3g')} / {_number(row.peak_force_p90, '.3g')}",
        drops,
        _number(row.jerk, ".4f"),
        *shares,
    ]


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(float(format(value, form)), ".6g")
