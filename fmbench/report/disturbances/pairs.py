"""Rows of `disturbance_pairs.csv`: between policies, the difference of what a disturbance costs."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fmbench.report.disturbances.rows import LEAST_PLAIN, AllArms, Arms, bounds_of, breaking
from fmbench.report.outcomes import SummaryKey
from fmbench.report.results import Results
from fmbench.storage.rows import REFERENCES, Row

RESAMPLES = 10_000
SEED = 0
BOOTSTRAP, COMBINED = "bootstrap over episodes", "both intervals combined"


@dataclasses.dataclass(frozen=True)
class DisturbancePairRow(Row):
    """What a disturbance changes for policy A, minus what it changes for policy B."""

    file_name: ClassVar[str] = "disturbance_pairs.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "perturb", "policy_a", "policy_b")

    task: str
    perturb: str
    policy_a: str
    policy_b: str
    train_seeds: int
    episodes: int
    """Common episodes per training seed."""
    difference: float
    """Above 0: A loses less, or gains more."""
    low: float
    high: float
    interval: str
    """Kind of interval."""


def pair_rows(results: Results, arms: AllArms) -> list[DisturbancePairRow]:
    """Return a row for every two policies and every disturbance that the expert copes with.

    The policies have their headline samplers. Broken cells are left out, and so are policies that
    fail without the disturbance already: they have nothing to lose.
    """
    breaks = breaking(arms)
    by_axis: dict[tuple[str, str], list[SummaryKey]] = {}
    for cell, text in arms:
        if (cell.task, text) not in breaks and _is_compared(results, cell, arms[cell, text]):
            by_axis.setdefault((cell.task, text), []).append(cell)
    return [
        _row(text, (a, arms[a, text]), (b, arms[b, text]))
        for (_, text), cells in by_axis.items()
        for a, b in itertools.combinations(cells, 2)
    ]


def _is_compared(results: Results, cell: SummaryKey, arms: Arms) -> bool:
    if cell.policy in REFERENCES or cell in results.broken:
        return False
    return bool(arms.rates[0].mean() >= LEAST_PLAIN)


def _row(text: str, a: tuple[SummaryKey, Arms], b: tuple[SummaryKey, Arms]) -> DisturbancePairRow:
    (cell_a, arms_a), (cell_b, arms_b) = a, b
    changes = [float(np.subtract(*arms.rates[::-1]).mean()) for arms in (arms_a, arms_b)]
    difference = changes[0] - changes[1]
    values: Any = _bootstrap(arms_a, arms_b) if len(arms_a.plain) == 1 else None
    kind = BOOTSTRAP
    if values is None:
        values, kind = _combined(arms_a, arms_b, changes), COMBINED
    return DisturbancePairRow(
        cell_a.task,
        text,
        cell_a.policy,
        cell_b.policy,
        train_seeds=len(arms_a.plain),
        episodes=min(map(len, (*arms_a.plain, *arms_b.plain))),
        difference=difference,
        low=float(values[0]),
        high=float(values[1]),
        interval=kind,
    )


def _bootstrap(a: Arms, b: Arms) -> NDArray[np.float64] | None:
    """Return the percentile interval of two checkpoints; None where no episode separates them.

    An episode is drawn with all four of its outcomes. It changes the difference by -2 to 2, so a
    resample is a draw of how often each of these five numbers occurs.
    """
    common, of_a, of_b = np.intersect1d(
        a.episodes[0], b.episodes[0], assume_unique=True, return_indices=True
    )
    changes = [
        arms.disturbed[0][places].astype(int) - arms.plain[0][places]
        for arms, places in ((a, of_a), (b, of_b))
    ]
    values = np.arange(-2, 3)
    counts = np.array([np.sum(changes[0] - changes[1] == value) for value in values])
    if counts.max(initial=0) == len(common):
        return None
    rng = np.random.default_rng(SEED)
    drawn = rng.multinomial(len(common), counts / len(common), size=RESAMPLES)
    interval: NDArray[np.float64] = np.percentile(drawn @ values / len(common), [2.5, 97.5])
    return interval


def _combined(a: Arms, b: Arms, changes: list[float]) -> tuple[float, float]:
    """Return the interval of the difference of two changes: theirs, squared and added.

    Training seeds of two policies are no pairs (Zou and Donner 2008).
    """
    (low_a, high_a), (low_b, high_b) = (bounds_of(arms)[0] for arms in (a, b))
    change_a, change_b = changes
    difference = change_a - change_b
    return (
        float(difference - np.hypot(change_a - low_a, high_b - change_b)),
        float(difference + np.hypot(high_a - change_a, change_b - low_b)),
    )
