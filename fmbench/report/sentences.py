"""Sentences about comparisons: verdict and evidence of each pair."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from fmbench.report.comparisons import NO_DIFFERENCE
from fmbench.report.looks import Looks
from fmbench.report.results import Results


def sentences(comparisons: pd.DataFrame, looks: Looks) -> list[str]:
    """Describe each comparison in one sentence."""
    return [f"{verdict(row, looks)}{_evidence(row, looks)}." for row in comparisons.itertuples()]


def verdict(row: Any, looks: Looks) -> str:
    """Describe the verdict of a comparison in words."""
    a, b = looks.label(row.policy_a), looks.label(row.policy_b)
    if row.verdict == NO_DIFFERENCE:
        return f"{NO_DIFFERENCE} between {a} and {b}"
    if row.verdict == "not comparable":
        return f"{a} and {b} have no common episodes and cannot be compared"
    return f"{a} ahead of {b}" if row.difference > 0 else f"{b} ahead of {a}"


def left_out(results: Results, task: str) -> list[str]:
    """Describe, in one sentence each, the policies of a task that are not compared."""
    return [
        f"{results.looks.label(cell.policy)} is not compared: every episode of a training seed "
        "ended by an error or by an unstable simulation"
        for cell in results.not_compared(task)
    ]


def _evidence(row: Any, looks: Looks) -> str:
    """Describe the evidence of a verdict: difference, interval, sample size, test and p-value."""
    if row.verdict == "not comparable":
        return ""
    interval = "" if math.isnan(row.low) else f" ({row.low:+.3f} to {row.high:+.3f})"
    a, b = looks.label(row.policy_a), looks.label(row.policy_b)
    text = f": success rate {a} − {b} = {row.difference:+.3f}{interval}"
    if row.train_seeds == 1:
        text += (
            f" over 1 training seed, {row.episodes} common episodes ({row.b:.0f} solved only by"
            f" {a}, {row.c:.0f} only by {b})"
        )
    else:
        text += f" over {row.train_seeds} training seeds, {row.episodes} common episodes each"
    return f"{text}; {row.test} {_p(row.p)}, Holm-adjusted {_p(row.p_holm)}"


def _p(p: float) -> str:
    """Format a p-value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
