"""Sentences about comparisons: verdict and evidence of each pair."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from fmbench.report.counted import counted
from fmbench.report.looks import Looks
from fmbench.report.results import Results
from fmbench.report.row_texts import DISAGREE
from fmbench.report.verdicts import (
    AHEAD,
    BEHIND,
    EQUIVALENT,
    MAX_SEEDS,
    NON_INFERIOR,
    NOT_COMPARABLE,
    UNDECIDED,
)


def sentences(comparisons: pd.DataFrame, looks: Looks) -> list[str]:
    """Describe each comparison in one sentence."""
    return [f"{verdict(row, looks)}{_evidence(row, looks)}." for row in comparisons.itertuples()]


def verdict(row: Any, looks: Looks) -> str:
    """Describe the verdict of a comparison in words, e.g. `flow ahead of bc`."""
    a, b = looks.label(row.policy_a), looks.label(row.policy_b)
    first, second = (b, a) if row.favours == row.policy_b else (a, b)
    within = " (within the margin)" if row.within_margin else ""
    texts = {
        AHEAD: f"{first} {AHEAD} of {second}{within}",
        EQUIVALENT: f"{a} and {b} {EQUIVALENT}",
        NON_INFERIOR: f"{first} {NON_INFERIOR} to {second}",
        UNDECIDED: f"{a} and {b} {UNDECIDED}{_needed(row.seeds_to_decide)}",
        NOT_COMPARABLE: f"{a} and {b} have no common episodes and cannot be compared",
    }
    text = texts[AHEAD if row.verdict == BEHIND else row.verdict]
    return f"{text} {DISAGREE}" if row.seeds_disagree else text


def tally(verdicts: Iterable[str]) -> str:
    """Count verdicts, e.g. `3 pairs: a policy ahead in 1, undecided in 2`."""
    words = [AHEAD if word == BEHIND else word for word in verdicts]
    names = {AHEAD: "a policy ahead", NOT_COMPARABLE: "no common episodes"}
    order = (AHEAD, EQUIVALENT, NON_INFERIOR, UNDECIDED, NOT_COMPARABLE)
    parts = [f"{names.get(w, w)} in {words.count(w)}" for w in order if w in words]
    return f"{counted(len(words), 'pair')}: {', '.join(parts)}"


def left_out(results: Results, task: str) -> list[str]:
    """Describe, in one sentence each, the policies of a task that are not compared."""
    return [
        f"{results.looks.label(cell.policy)} is not compared: every episode of a training seed "
        "ended by an error or by an unstable simulation"
        for cell in results.not_compared(task)
    ]


def _needed(seeds: float) -> str:
    """Say how many training seeds would decide."""
    if math.isnan(seeds):
        return ""
    if seeds > MAX_SEEDS:
        return f" (more than {MAX_SEEDS} training seeds would decide)"
    return f" (about {seeds:.0f} training seeds would decide)"


def _evidence(row: Any, looks: Looks) -> str:
    """Describe the evidence of a verdict: difference, interval, sample size, test and p-value."""
    if row.verdict == NOT_COMPARABLE:
        return ""
    a, b = looks.label(row.policy_a), looks.label(row.policy_b)
    text = f": success rate {a} − {b} = {row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f})"
    episodes = counted(row.episodes, "common episode")
    text += f" over {counted(row.train_seeds, 'training seed')}, {episodes}"
    if row.train_seeds == 1:
        text += f" ({row.b:.0f} solved only by {a}, {row.c:.0f} only by {b})"
    else:
        text += " each"
    return f"{text}; {row.test} {_p(row.p)}, Holm-adjusted {_p(row.p_holm)}"


def _p(p: float) -> str:
    """Format a p-value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
