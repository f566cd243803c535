"""The table of runs on different numbers of demonstrations, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fmbench.report.curve.rows import CurveRow
from fmbench.report.looks import OF_CATALOGUE, REFERENCES, Looks
from fmbench.report.markdown import markdown_table


def curve_markdown(rows: Sequence[CurveRow], looks: Looks = OF_CATALOGUE) -> str:
    """Write one line for each task: success of every policy at every number of demonstrations."""
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
        own = {(row.policy, row.demos): row for row in rows if row.task == task}
        keys = [("random", 0), *((p, n) for p in policies for n in numbers), ("expert", 0)]
        cells = [f"{own[key].success_rate:.2f}" if key in own else "" for key in keys]
        body.append([task, *cells, separation(list(own.values()))])
    table = markdown_table((*header, f"What {numbers[-1]} separate"), body)
    footer = "\n".join(f"- {line}" for line in _footer(learned, numbers[-1], looks))
    return f"# Success against demonstrations\n\n{table}\n\n{footer}\n"


def separation(rows: Sequence[CurveRow]) -> str:
    """Say what the rows of one task with the most demonstrations separate, or "nothing"."""
    most = max((row.demos for row in rows), default=0)
    last = [row for row in rows if row.demos == most and row.policy not in REFERENCES]
    found = [f"{row.policy} > {row.is_ahead_of}" for row in last if row.is_ahead_of]
    for expert in (row for row in rows if row.policy == "expert"):
        below = [row.policy for row in last if row.high < expert.low]
        found += [f"expert > {', '.join(below)}"] if below else []
    return "; ".join(found) or "nothing"


def _footer(rows: Sequence[CurveRow], most: int, looks: Looks) -> Iterator[str]:
    """Yield what a reader must know to trust the numbers."""
    episodes = sorted({row.episodes for row in rows})
    seeds = sorted({row.train_seeds for row in rows})
    samplers = dict.fromkeys(
        f"{looks.label(row.policy)} by {row.sampler} {row.steps}" for row in rows
    )
    yield (
        f"Columns: policy and number of demonstrations. {' or '.join(map(str, seeds))} training "
        f"seed(s), {' or '.join(map(str, episodes))} test episodes: a rate of 0.50 of 100 episodes "
        "has a Wilson 95 % interval of 0.40 to 0.60, one of 1.00 of 0.96 to 1.00."
    )
    yield f"Samplers: {'; '.join(samplers)}."
    yield (
        f"Policies with {most} demonstrations are compared by McNemar's exact test on common "
        "episodes, by Holm's adjustment over the tasks of a run; an expert is ahead where the two "
        "intervals do not meet."
    )
