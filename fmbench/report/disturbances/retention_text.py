"""What policies keep under disturbances over several tasks, as a Markdown file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fmbench.report.combined import Combined
from fmbench.report.disturbances.retention import RetentionRow
from fmbench.report.disturbances.rows import EXPERT, LEAST_EXPERT, LEAST_PLAIN
from fmbench.report.disturbances.text import UNRANKED
from fmbench.report.looks import Looks
from fmbench.report.markup import escape, markdown_table

RATE_MARK = "°"
"""Mark of a success rate that stands where there is no retention."""
NOTES = (
    "Retention: the success rate with the disturbance divided by that of the same checkpoints on "
    "the same episodes without, each the mean over the tasks. In brackets: its 95 % interval, "
    "that of a ratio estimator with the tasks as strata and the training seeds of each as the "
    "sample.",
    f"{RATE_MARK}: the success rate itself, where that without disturbance is below "
    f"{LEAST_PLAIN:g}.",
    "Tasks: those that have the axis and on which the expert succeeds in at least "
    f"{100 * LEAST_EXPERT:.0f} % with the disturbance, of all that have the axis; the same for all "
    f"policies. {UNRANKED}: it does so on none, so that the disturbance ranks nobody; all tasks "
    "are then averaged.",
    "The expert reads the state and does not meet disturbances of observations.",
)


def retention_markdown(
    rows: Sequence[RetentionRow], tasks: Sequence[str], combined: Combined, looks: Looks
) -> str:
    """Return the file of several runs.

    Args:
        rows: The rows of `retention_rows`.
        tasks: The tasks of the runs.
        combined: Caveats of the runs.
        looks: Labels and order of policies.
    """
    blocks = [f"# {combined.title('Retention under disturbances')}"]
    blocks += [f"> **Warning.** {escape(line)}" for line in combined.caveats]
    policies = policies_of(rows, looks)
    header = ("Disturbance", "Tasks", *map(looks.label, policies))
    body = [
        [name, count, *(texts.get(policy, "") for policy in policies)]
        for name, count, texts in lines_of(rows)
    ]
    blocks.append(markdown_table(header, body))
    named = f"Tasks of the runs: {', '.join(tasks)}. `disturbances.csv` has a row for each of them."
    notes = [*NOTES, named, *combined.notes()]
    blocks.append("\n".join(f"- {line}" for line in notes))
    return "\n\n".join(blocks) + "\n"


def policies_of(rows: Sequence[RetentionRow], looks: Looks) -> list[str]:
    """Return the policies in the order of tables, the expert last."""
    return sorted({row.policy for row in rows}, key=lambda p: (p == EXPERT, looks.order(p)))


def lines_of(rows: Sequence[RetentionRow]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield each disturbance with its mark, its tasks, and the text of each policy."""
    for perturb in dict.fromkeys(row.perturb for row in rows):
        of_setting = [row for row in rows if row.perturb == perturb]
        name = perturb if of_setting[0].ranks else f"{perturb} {UNRANKED}"
        yield name, tasks_text(of_setting[0]), {row.policy: text_of(row) for row in of_setting}


def tasks_text(row: RetentionRow) -> str:
    """Return how many tasks a row averages, and of how many where some are left out."""
    left_out = row.broken_tasks if row.ranks else 0
    return f"{row.tasks} of {row.tasks + left_out}" if left_out else str(row.tasks)


def text_of(row: RetentionRow) -> str:
    """Return retention with its interval, or the rate."""
    if row.retention is None or row.low is None or row.high is None:
        return f"{row.disturbed_rate:.2f}{RATE_MARK}"
    return f"{row.retention:.2f} ({row.low:.2f}–{row.high:.2f})"
