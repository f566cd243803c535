"""Markdown table of success rates over numbers of demonstrations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from fmbench.report.combined import Combined
from fmbench.report.curve.rows import CurveRow
from fmbench.report.design_note import design_note
from fmbench.report.looks import OF_CATALOGUE, Looks
from fmbench.report.markup import escape, markdown_table
from fmbench.storage.rows import REFERENCES, key_of


def curve_markdown(
    rows: Sequence[CurveRow], combined: Combined, looks: Looks = OF_CATALOGUE
) -> str:
    """Write one line per task: the success of every policy at every number of demonstrations."""
    learned = [row for row in rows if row.policy not in REFERENCES]
    policies = sorted({row.policy for row in learned}, key=looks.order)
    numbers = sorted({row.demos for row in learned})
    header = [
        "Task",
        "random",
        *(f"{looks.label(p)} {n}" for p in policies for n in numbers),
        "expert",
    ]
    body = []
    for task in dict.fromkeys(row.task for row in rows):
        of_task = {(row.policy, row.demos): row for row in rows if row.task == task}
        keys = [("random", 0), *((p, n) for p in policies for n in numbers), ("expert", 0)]
        cells = [_cell(of_task[key], combined) if key in of_task else "" for key in keys]
        sound = [row for row in of_task.values() if not combined.is_broken(key_of(row))]
        body.append([task, *cells, separation(sound)])
    last_heading = f"Ahead at {numbers[-1]} demonstrations"
    table = markdown_table((*header, last_heading), body)
    explanations = (*_notes(learned, numbers[-1], looks), *combined.notes())
    blocks = [f"# {combined.title('Success rate by number of demonstrations')}"]
    blocks += [f"> **Warning.** {escape(line)}" for line in combined.caveats]
    blocks += [table, "\n".join(f"- {line}" for line in explanations)]
    return "\n\n".join(blocks) + "\n"


def _cell(row: CurveRow, combined: Combined) -> str:
    """Return the cell of one row."""
    return f"{row.success_rate:.2f} {combined.marks.get(key_of(row), '')}".rstrip()


def separation(rows: Sequence[CurveRow]) -> str:
    """List who is ahead of whom on one task at the most demonstrations, or "none".

    The expert is not tested; it is listed where its interval is above that of a policy.
    """
    most = max((row.demos for row in rows), default=0)
    last = [row for row in rows if row.demos == most and row.policy not in REFERENCES]
    differences = [f"{row.policy} > {row.is_ahead_of}" for row in last if row.is_ahead_of]
    for expert in (row for row in rows if row.policy == "expert"):
        below = [row.policy for row in last if row.high < expert.low]
        differences += [f"expert > {', '.join(below)}"] if below else []
    return "; ".join(differences) or "none"


def _notes(rows: Sequence[CurveRow], most: int, looks: Looks) -> Iterator[str]:
    """Yield the notes below the table."""
    episodes = sorted({row.episodes for row in rows})
    seeds = sorted({row.train_seeds for row in rows})
    samplers = dict.fromkeys(
        f"{looks.label(row.policy)} by {row.sampler} {row.steps}" for row in rows
    )
    yield (
        "Columns: policy and number of demonstrations. Success rates over "
        f"{' or '.join(map(str, episodes))} test episodes and {' or '.join(map(str, seeds))} "
        f"training seed{'' if seeds == [1] else 's'}. For 100 episodes of one training seed, the "
        "Wilson 95 % interval of 0.50 is 0.40 to 0.60, and that of 1.00 is 0.96 to 1.00."
    )
    yield (
        f"Samplers: {'; '.join(samplers)}; the network evaluations (NFE) are in the summary of "
        "each run. Evaluated weights: the last EMA checkpoint, never the best one."
    )
    yield (
        f"`A > B`: with {most} demonstrations A is ahead of B, by the 95 % interval of the "
        "difference and Holm's adjustment over the comparisons of the run (one training seed: "
        "Newcombe's interval and the exact McNemar test on common episodes; several: the interval "
        "over training seeds). With one training seed, this compares two checkpoints, not two "
        "methods. `none` means that no policy is ahead of another, not that they are equal."
    )
    pairs = math.comb(len({row.policy for row in rows}), 2)  # of a task
    designs = {(row.train_seeds, row.episodes // row.train_seeds) for row in rows}
    yield from (design_note(*design, pairs) for design in sorted(designs))
    yield (
        "The expert is not tested. It is listed where its 95 % interval is above that of the "
        "policy."
    )
