"""How policies from outside stand against those of the other runs of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.outside import OutsidePairs, is_outside, outside_pairs
from fmbench.report.page.runs import NamedRun
from fmbench.report.page.standings import Standing, word_of
from fmbench.report.sentences import sentences


def pairs_of_page(runs: Sequence[NamedRun]) -> list[OutsidePairs]:
    """Return the comparisons of every policy from outside; see `outside_pairs`."""
    return outside_pairs([run.results for run in runs])


def outside_standings(run: NamedRun, pairs: Sequence[OutsidePairs]) -> dict[SummaryKey, Standing]:
    """Return how a policy from outside stands against the best of the first run with its task.

    Args:
        run: A run.
        pairs: Those of `pairs_of_page`.

    Returns:
        The standing of its headline; empty for other runs, and where no run has its task.
    """
    compared = [
        pair for pair in pairs if pair.outside is run.results and not is_outside(pair.other)
    ]
    if not compared:
        return {}
    pair = compared[0]
    summary = pair.other.summary
    summary = summary[summary["headline"] & summary["task"].isin(pair.table["task"])]
    rates = dict(zip(summary["policy"], summary["success_rate"], strict=True))
    texts = dict(zip(pair.table.index, sentences(pair.table, pair.looks), strict=True))
    rows: list[Any] = list(pair.table.itertuples())
    best = max(rows, key=lambda row: float(rates[row.policy_a]))
    ours = run.results.summary
    headline = ours[ours["headline"] & (ours["policy"] == best.policy_b)]
    keys = [SummaryKey(*key) for key in headline[CELL].itertuples(index=False, name=None)]
    evidence = " ".join([texts[best.Index], *(f"{line}." for line in pair.differences)])
    return {key: Standing(word_of(best, best.policy_b), evidence) for key in keys}


def outside_notes(runs: Sequence[NamedRun], pairs: Sequence[OutsidePairs]) -> Iterator[str]:
    """Yield the comparisons of policies from outside with each run, and what differs."""
    names = {id(run.results): run.name for run in runs}
    for pair in pairs:
        labels = " and ".join(pair.looks.label(policy) for policy in pair.outside.run.policies)
        text = " ".join(sentences(pair.table, pair.looks))
        lines = "".join(f" {line}." for line in pair.differences)
        yield (
            f"{labels}, trained by another library, against the policies of "
            f"{names[id(pair.other)]}, Holm-adjusted over these: {text}{lines}"
        )
