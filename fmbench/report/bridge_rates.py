"""Bridge rates of a run, with their intervals."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd
from scipy import special

from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.statistics import Interval, t_interval
from fmbench.report.summary import rows_of


class BridgeRate(NamedTuple):
    """The bridge rate of one cell, over all training seeds."""

    rate: float
    low: float
    high: float
    minor_way: float
    """Share of the rarest way in the samples that are on a way; NaN if none is."""
    expert: float
    """Bridge rate of the expert's own demonstrations."""


def bridge_rates(diagnostics: pd.DataFrame) -> dict[SummaryKey, BridgeRate]:
    """Return the bridge rate of every cell that has one.

    The 95 % interval is a t interval over the training seeds, or over the ambiguous starts of the
    only one; samples are never pooled. A deviation is taken to be at least one sample.

    Args:
        diagnostics: Frame of `DiagnosticRow`.
    """
    rows = diagnostics[diagnostics["bridge_rate"].notna()]
    cells = dict.fromkeys(SummaryKey(*cell) for cell in rows[CELL].itertuples(index=False))
    return {cell: _rate(rows_of(cell, rows)) for cell in cells}


def bridge_note(diagnostics: pd.DataFrame) -> str:
    """Explain bridge rates; empty if there are none."""
    rows = diagnostics[diagnostics["bridge_rate"].notna()]
    if rows.empty:
        return ""
    return (
        "Bridge rate: share of sampled chunks that are further from every way of the expert than a"
        f" quarter of the distance between the ways; {int(rows['start_samples'].max())} samples at"
        f" each of {int(rows['starts'].max())} starts, where the ways part. A way is what the"
        " expert demonstrates in one mode, with all speeds and with noise; the rate of the expert"
        " is that of demonstrations against each other, which a perfect copy would have. In"
        " brackets: 95 % t interval over training seeds, or over starts if there is one seed."
        " Rarest way: its share of the samples that are on a way, the mean over starts; at most 0.5"
        " if there are two."
    )


def _rate(rows: pd.DataFrame) -> BridgeRate:
    numbers = rows[["bridge_rate", "bridge_error", "minor_way", "expert_bridge_rate"]].astype(float)
    low, high = _interval(rows, numbers)
    means = numbers.mean()
    return BridgeRate(
        float(means["bridge_rate"]),
        max(low, 0.0),
        min(high, 1.0),
        float(means["minor_way"]),
        float(means["expert_bridge_rate"]),
    )


def _interval(rows: pd.DataFrame, numbers: pd.DataFrame) -> Interval:
    resolution = 1.0 / float((rows["starts"] * rows["start_samples"]).min())
    if len(rows) > 1:
        return t_interval(list(numbers["bridge_rate"]), resolution=resolution)
    rate, starts = float(numbers["bridge_rate"].iloc[0]), int(rows["starts"].iloc[0])
    if starts == 1:
        return Interval(0.0, 1.0)
    error = max(float(numbers["bridge_error"].iloc[0]), resolution)
    half = float(special.stdtrit(starts - 1, 0.975)) * error
    return Interval(rate - half, rate + half)
