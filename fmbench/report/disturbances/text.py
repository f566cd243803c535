"""What disturbances cost, in words and as a Markdown file."""

from __future__ import annotations

from collections.abc import Sequence

from fmbench.report.disturbances.pairs import RESAMPLES, DisturbancePairRow
from fmbench.report.disturbances.rows import LEAST_EXPERT, LEAST_PLAIN, DisturbanceRow
from fmbench.report.looks import Looks
from fmbench.report.markdown import SMOKE
from fmbench.report.markup import escape, markdown_table
from fmbench.report.results import Results

TITLE = "Disturbances"
UNRANKED = "‡"
HEADER = (
    "Policy",
    "Disturbance",
    "Without",
    "With",
    "Difference [points]",
    "95 % interval",
    "Retention",
)
NOTES = (
    "Without, with: success rates of the same checkpoints on the same episodes, without and with "
    "the disturbance. Difference: with minus without; interval: paired Newcombe for one training "
    "seed, over the training seeds for several.",
    f"Retention: the rate with the disturbance divided by that without, where the latter is at "
    f"least {LEAST_PLAIN:g}.",
    f"{UNRANKED}: the expert itself succeeds in less than {100 * LEAST_EXPERT:.0f} %, so the "
    "disturbance ranks nobody. The expert does not meet disturbances of observations, because it "
    "reads the state.",
    "Between policies that succeed in at least half of the episodes without the disturbance, since "
    "others have little to lose: the difference of these differences. Interval: for one training "
    "seed a "
    f"bootstrap over the episodes, each with all four outcomes ({RESAMPLES:,} resamples); for "
    "several, or where no episode separates the policies, both intervals squared and added. It is "
    "not adjusted for the number of pairs.",
)


def texts(row: DisturbanceRow, looks: Looks) -> list[str]:
    """Return the cells of `HEADER` for one row."""
    has_interval = row.low is not None and row.high is not None
    return [
        looks.label(row.policy),
        row.perturb if row.ranks else f"{row.perturb} {UNRANKED}",
        f"{row.plain_rate:.3f}",
        f"{row.disturbed_rate:.3f}",
        _signed(row.difference),
        f"{_signed(row.low)} to {_signed(row.high)}" if has_interval else "–",
        "–" if row.retention is None else f"{row.retention:.2f}",
    ]


def sentences(pairs: Sequence[DisturbancePairRow], task: str, looks: Looks) -> list[str]:
    """Say between which policies of a task a disturbance makes a difference."""
    of_task = [row for row in pairs if row.task == task]
    apart = [row for row in of_task if row.low > 0 or row.high < 0]
    lines = [_sentence(row, looks) for row in apart]
    rest = len(of_task) - len(apart)
    if rest:
        count = f"{rest} of {len(of_task)}" if apart else ("all" if rest > 1 else "the only")
        pair = "pair" if len(of_task) == 1 else "pairs"
        lines.append(f"No difference of differences is shown for {count} {pair} of policies.")
    return lines


def disturbances_markdown(
    results: Results, rows: Sequence[DisturbanceRow], pairs: Sequence[DisturbancePairRow]
) -> str:
    """Return the file of a run."""
    blocks = [f"# {TITLE}"]
    if results.is_smoke:
        blocks.append(f"> # ⚠ {SMOKE}")
    blocks += [f"> **Warning.** {escape(line)}" for line in results.caveats]
    for task in dict.fromkeys(row.task for row in rows):
        body = [texts(row, results.looks) for row in rows if row.task == task]
        blocks += [f"## {escape(task)}", markdown_table(HEADER, body)]
        blocks += [escape(line) for line in sentences(pairs, task, results.looks)]
    blocks.append("\n".join(f"- {line}" for line in NOTES))
    return "\n\n".join(blocks) + "\n"


def _sentence(row: DisturbancePairRow, looks: Looks) -> str:
    better, worse = (row.policy_a, row.policy_b)[:: 1 if row.difference > 0 else -1]
    low, high = (row.low, row.high) if row.difference > 0 else (-row.high, -row.low)
    return (
        f"{row.perturb}: the difference of {looks.label(better)} is "
        f"{_points(abs(row.difference))} points above that of {looks.label(worse)} "
        f"(95 % interval {_points(low)} to {_points(high)})."
    )


def _points(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:.1f}"


def _signed(share: float | None) -> str:
    """Format a difference of rates in percentage points, with its sign."""
    text = _points(share or 0.0)
    return text.replace("-", "−") if (share or 0.0) < 0 else f"+{text}" if float(text) else text
