"""Each policy of a run against the best one on its task, by the comparisons of the run."""

from __future__ import annotations

from typing import Any, NamedTuple

from fmbench.report.leaders import leaders
from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.results import Results
from fmbench.report.sentences import sentences
from fmbench.report.verdicts import AHEAD, BEHIND, NON_INFERIOR, UNDECIDED

HIGHEST = "highest"
"""Of the policies with the highest rate, if none is ahead of all others."""
ORDER = (AHEAD, HIGHEST, "equivalent", NON_INFERIOR, UNDECIDED, BEHIND, "not comparable")
"""Words of a standing, as they are sorted."""
_FLIPPED = {AHEAD: BEHIND, BEHIND: AHEAD}


class Standing(NamedTuple):
    """How a policy stands on a task.

    Attributes:
        word: One of `ORDER`, said of the policy against the best one.
        evidence: The sentence of the comparison; of the best policy those against all others.
    """

    word: str
    evidence: str


def standings(results: Results) -> dict[SummaryKey, Standing]:
    """Return how each compared headline of a run stands; empty without a comparison."""
    table = results.comparisons
    if table.empty:
        return {}
    leader = leaders(
        table, [k for task in results.outcomes.tasks for k in results.not_compared(task)]
    )
    texts = dict(zip(table.index, sentences(table, results.looks), strict=True))
    heads: dict[str, dict[SummaryKey, float]] = {}
    summary = results.summary[results.summary["headline"]]
    for *cell, rate in summary[[*CELL, "success_rate"]].itertuples(index=False, name=None):
        key = SummaryKey(*cell)
        heads.setdefault(key.task, {})[key] = rate
    pairs: dict[str, list[Any]] = {}
    for row in table.itertuples():
        pairs.setdefault(str(row.task), []).append(row)
    found: dict[SummaryKey, Standing] = {}
    for task, rows in pairs.items():
        compared = {policy for row in rows for policy in (row.policy_a, row.policy_b)}
        cells = {key: rate for key, rate in heads[task].items() if key.policy in compared}
        best = max(cells, key=cells.__getitem__).policy
        against_best = [row for row in rows if best in (row.policy_a, row.policy_b)]
        for key in cells:
            if key.policy == best:
                word = AHEAD if leader.get(task) == best else HIGHEST
                found[key] = Standing(word, " ".join(texts[row.Index] for row in against_best))
                continue
            (pair,) = (row for row in against_best if key.policy in (row.policy_a, row.policy_b))
            is_as_high = cells[key] == max(cells.values())
            word = HIGHEST if is_as_high else word_of(pair, key.policy)
            found[key] = Standing(word, texts[pair.Index])
    return found


def word_of(row: Any, policy: str) -> str:
    """Return the verdict of a comparison, said of one of its two policies."""
    if row.verdict == NON_INFERIOR:  # the best one may be so to this one, which says less
        return NON_INFERIOR if row.favours == policy else UNDECIDED
    return str(row.verdict if row.policy_a == policy else _FLIPPED.get(row.verdict, row.verdict))
