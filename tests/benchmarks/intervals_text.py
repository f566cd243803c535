"""The tables of `tests.benchmarks.intervals` as Markdown."""

from __future__ import annotations

import pandas as pd

from fmbench.report.markup import markdown_table

HEAD = """\
# Coverage of the intervals, and errors of the verdicts

Made by `python -m tests.benchmarks.intervals`; [docs/statistics.md](../../docs/statistics.md)
explains interval and verdicts. Spread is the deviation between the true rates of the seeds in
units of sqrt(p (1 - p)), the largest possible one. Rates of 0.02 to 0.5 stand for 0.5 to 0.98 as
well: the interval of failures mirrors that of successes. Every cell of `coverage.csv` is 20,000
simulated methods.

## One method, several training seeds

"Coverage" is the smallest of all rates (0.02 to 0.5), 3 to 10 seeds and 50 to 200 episodes, and
in brackets the mean; "t" is the t interval over the seeds' means, with a standard deviation of at
least sqrt(p (1 - p) / n). Width is the mean width in units of that of t: the mean over all cells,
and where t covers at least 93 %, too. "Warned" is how often a row is marked `(seeds disagree)`.
"""
IN_RANGE = """\
Promised range: beta and uniform, spread at most 0.3. There the smallest coverage is
**{coverage:.3f}**, and the mean width **{ratio:.2f}** times that of t (at most {most:.2f}, at a
rate of {rate:g}, where t covers {t_coverage:.3f}). The uniform distribution is left out where it
would have negative rates.

The other rows are beyond it. *Spread 1*: every seed learns or fails altogether. *Two values*:
seeds are of two kinds, at low rates some learn and the others fail altogether. *Same starts*: the
seeds are equal and all solve the same starts; the rate that is asked is that of **other** starts.
What the interval describes is the rate on the test starts, which all policies share, over other
training seeds.
"""


def coverage_markdown(
    coverage: pd.DataFrame,
    wrong: pd.DataFrame,
    wrong_checkpoints: pd.DataFrame,
    verdicts: pd.DataFrame,
) -> str:
    """Write the tables.

    Args:
        coverage: `coverage.csv`.
        wrong: How often verdicts on methods are wrong.
        wrong_checkpoints: The same for checkpoints.
        verdicts: `verdicts.csv`.
    """
    ratio = coverage["width"] / coverage["t_width"]
    table = coverage.assign(ratio=ratio)
    promised = table[table["in_range"]]
    body = []
    for (kind, spread), rows in table.groupby(["seeds_differ", "spread"], sort=False):
        honest = rows.loc[rows["t_coverage"] >= 0.93, "ratio"]
        body.append(
            [
                kind if rows["in_range"].all() else f"{kind} (beyond)",
                f"{spread:g}",
                f"{rows['coverage'].min():.3f} ({rows['coverage'].mean():.3f})",
                f"{rows['t_coverage'].min():.3f} ({rows['t_coverage'].mean():.3f})",
                f"{rows['ratio'].mean():.2f}",
                f"{honest.mean():.2f}" if len(honest) else "–",
                f"{rows['warned'].mean():.3f}",
            ]
        )
    header = ("Seeds", "Spread", "Coverage", "Coverage of t", "Width / t", "Width / t, t holds",
              "Warned")  # fmt: skip
    widest = promised.loc[promised["ratio"].idxmax()]
    numbers = IN_RANGE.format(
        coverage=promised["coverage"].min(),
        ratio=promised["ratio"].mean(),
        most=widest["ratio"],
        rate=widest["rate"],
        t_coverage=widest["t_coverage"],
    )
    blocks = [HEAD, markdown_table(header, body), numbers, *_by_design(table)]
    blocks += [_errors(wrong, wrong_checkpoints, verdicts)]
    return "\n\n".join(block.strip() for block in blocks) + "\n"


def _by_design(table: pd.DataFrame) -> list[str]:
    """Return the smallest coverage of each design, in the range and where seeds fail altogether."""
    body = []
    groups = {
        "in range": table["in_range"],
        "spread 0.5": (table["seeds_differ"] == "beta") & (table["spread"] == 0.5),
        "learn or fail": (table["seeds_differ"] == "beta") & (table["spread"] == 1.0),
        "learn or fail, rate 0.5": (
            (table["seeds_differ"] == "beta") & (table["spread"] == 1.0) & (table["rate"] == 0.5)
        ),
        "same starts": table["seeds_differ"] == "same starts",
    }
    for (seeds, episodes), rows in table.groupby(["seeds", "episodes"]):
        values = [rows.loc[chosen[rows.index], "coverage"].min() for chosen in groups.values()]
        body.append([str(seeds), str(episodes), *(f"{value:.3f}" for value in values)])
    return [
        "Smallest coverage by design:",
        markdown_table(("Seeds", "Episodes", *(name.capitalize() for name in groups)), body),
    ]


def _errors(wrong: pd.DataFrame, checkpoints: pd.DataFrame, verdicts: pd.DataFrame) -> str:
    """Return how often verdicts are wrong, and how often equal rates are found equivalent."""
    body = [
        [word, f"{wrong[word].max():.3f} ({wrong[word].mean():.3f})",
         f"{checkpoints[word].max():.3f} ({checkpoints[word].mean():.3f})"]
        for word in wrong
    ]  # fmt: skip
    equal = verdicts[(verdicts["rate_a"] == verdicts["rate_b"]) & (verdicts["rate_a"] == 0.98)]
    equal = equal[(equal["spread_a"] == 0) & (equal["spread_b"] == 0)]
    found = [
        [str(row.seeds), str(row.episodes), f"{row.equivalent:.3f}"] for row in equal.itertuples()
    ]
    return "\n\n".join(
        [
            "## Two policies: how often a verdict is wrong",
            "Of a single comparison (Holm's adjustment makes errors rarer); the largest share over"
            " rates, spreads up to 0.3, 3 to 10 seeds and 50 to 200 episodes, and in brackets the"
            " mean. *Ahead or behind* is wrong of two equal rates. The others are wrong of rates"
            " that differ by just the margin of 5 points: *within the margin*, *equivalent*, and"
            " that the worse policy is *non-inferior* (or more than that). Two methods:"
            " `verdicts.csv`, 5,000 tables a cell, seeds not paired. Two checkpoints:"
            " `checkpoints.csv`, 10,000 pairs a cell, outcomes on the same episodes independent to"
            " as correlated as they can be.",
            markdown_table(("Wrong verdict", "Two methods", "Two checkpoints"), body),
            "How often two methods with a rate of 0.98 and equal seeds are found equivalent:",
            markdown_table(("Seeds", "Episodes", "Equivalent"), found),
        ]
    )
