"""Simulate the verdicts on two checkpoints that meet the same episodes."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from fmbench.report.statistics import paired_interval
from fmbench.report.verdicts import (
    AHEAD,
    BEHIND,
    EQUIVALENT,
    MARGIN,
    NON_INFERIOR,
    Verdict,
    verdict_of,
)

RUNS = 10_000
"""Simulated pairs of a cell."""
EPISODES = (50, 100, 200)
CORRELATIONS = (0.0, 0.5, 1.0)
"""Correlation of the outcomes, in units of the largest possible one."""

Cell = tuple[float, float, float, int]
"""Rates of both, correlation, episodes."""


def checkpoint_cells() -> list[Cell]:
    """Return the cells of `checkpoints.csv`: equal rates, and rates that differ by the margin."""
    pairs = [(rate, rate) for rate in (0.02, 0.1, 0.3, 0.5, 0.9, 0.98)]
    pairs += [(rate, round(rate - MARGIN, 3)) for rate in (0.07, 0.3, 0.55, 0.9, 0.98, 1.0)]
    return [
        (*pair, correlation, episodes)
        for pair, correlation, episodes in itertools.product(pairs, CORRELATIONS, EPISODES)
    ]


def verdicts_of_checkpoints(cell: Cell, runs: int = RUNS) -> dict[str, Any]:
    """Simulate the verdicts on two checkpoints, of a table with this comparison alone."""
    rate_a, rate_b, correlation, episodes = cell
    generator = np.random.default_rng([round(1000 * x) for x in cell])
    both = rate_a * rate_b + correlation * (min(rate_a, rate_b) - rate_a * rate_b)
    shares = np.array([both, rate_a - both, rate_b - both, 1 - rate_a - rate_b + both])
    counts = generator.multinomial(episodes, np.maximum(shares, 0.0) / shares.sum(), runs)
    tables, weights = np.unique(counts, axis=0, return_counts=True)
    found: dict[Verdict, int] = {}
    covered = 0
    for table, weight in zip(tables.tolist(), weights.tolist(), strict=True):
        low, high = paired_interval(*table)
        covered += weight * (low <= rate_a - rate_b + 1e-12 and rate_a - rate_b - 1e-12 <= high)
        only_a, only_b = table[1], table[2]
        verdict = verdict_of(low, high, _mcnemar(only_a, only_b))
        found[verdict] = found.get(verdict, 0) + weight
    within = sum(weight for verdict, weight in found.items() if verdict.within_margin)
    words = {AHEAD: 0, BEHIND: 0, EQUIVALENT: 0}
    for verdict, weight in found.items():
        words[verdict.word] = words.get(verdict.word, 0) + weight
    return {
        "episodes": episodes,
        "rate_a": rate_a,
        "rate_b": rate_b,
        "correlation": correlation,
        "coverage": covered / runs,
        "ahead": words[AHEAD] / runs,
        "behind": words[BEHIND] / runs,
        "within_margin": within / runs,
        "equivalent": words[EQUIVALENT] / runs,
        "non_inferior": found.get(Verdict(NON_INFERIOR, 1), 0) / runs,
        "inverse": found.get(Verdict(NON_INFERIOR, -1), 0) / runs,
    }


@functools.cache
def _mcnemar(only_a: int, only_b: int) -> float:
    return float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def checkpoint_verdicts() -> pd.DataFrame:
    """Simulate all cells."""
    return pd.DataFrame([verdicts_of_checkpoints(cell) for cell in checkpoint_cells()])
