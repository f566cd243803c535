"""Texts of one row of the summary, the same in Markdown and in the terminal."""

from __future__ import annotations

import math
from typing import Any

from fmbench.report.looks import Looks, has_choice_of_steps

HEADER = (
    "Policy",
    "Sampler",
    "Success",
    "95 % interval",
    "NFE",
    "Latency p50 / p95 [ms]",
    "Parameters",
    "Training time",
)
INCOMPLETE = "(incomplete)"
"""Marks a policy with a training seed that lacks episodes."""
BROKEN = "(broken)"
"""Marks a cell whose rate says nothing about the policy."""
BROKEN_NOTE = (
    "every episode of a training seed ended by an error or by an unstable simulation. They count as"
    " failures, but the rate says nothing about the policy: it has no interval and is not compared."
)

DISAGREE = "(seeds disagree)"
"""Marks a method whose training seeds differ by more than the interval was tested for."""
DISAGREE_NOTE = (
    "the training seeds differ by more than 0.3 of the possible, as where some fail altogether. The"
    " 95 % interval was not tested there and may cover far less: with three such seeds about two"
    " times in three. Look at the rate of each seed."
)


def cells(row: Any, looks: Looks, is_broken: bool = False) -> list[str]:
    """Return the cells of `HEADER` for one row of the summary; without interval if it is broken."""
    if row.train_seeds == 1:
        success = f"{row.successes}/{row.episodes}"
    else:
        success = f"{row.success_rate:.3f} ({row.train_seeds} seeds)"
    latency = f"{number_text(row.latency_ms_p50)} / {number_text(row.latency_ms_p95)}"
    return [
        looks.label(row.policy),
        sampler_label(row.sampler, row.steps),
        " ".join([success, *rate_marks(row, is_broken)]),
        "–" if is_broken else f"{row.low:.3f}–{row.high:.3f}",
        evaluations(row),
        "–" if math.isnan(row.latency_ms_p50) else latency,
        f"{row.parameters:,.0f}" if row.parameters > 0 else "–",
        _duration(row.training_time_s),
    ]


def rate_marks(row: Any, is_broken: bool) -> list[str]:
    """Return the warnings of a rate, in words."""
    if is_broken:
        return [INCOMPLETE] * (not row.complete) + [BROKEN]
    return [INCOMPLETE] * (not row.complete) + [DISAGREE] * bool(row.seeds_disagree)


def sampler_label(sampler: str, steps: int) -> str:
    """Name a sampler, with its steps where they are a choice, e.g. `euler 10`."""
    if not sampler:
        return "–"
    return f"{sampler} {steps}" if steps > 0 and has_choice_of_steps(sampler) else sampler


def evaluations(row: Any) -> str:
    """Format the mean NFE, with the 5th to 95th percentile where episodes differ."""
    mean = f"{row.nfe:.0f}" if row.nfe == round(row.nfe) else f"{row.nfe:.1f}"
    low, high = f"{row.nfe_p5:.0f}", f"{row.nfe_p95:.0f}"
    return mean if low == high else f"{mean} ({low}–{high})"


def number_text(value: float) -> str:
    """Format a positive number with two decimals below 10, one below 100, else none."""
    if math.isnan(value):
        return "–"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def _duration(seconds: float) -> str:
    """Format a duration in seconds below 2 min, in minutes below 2 h, else in hours."""
    if not seconds > 0:
        return "–"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
