"""Simulate how often the bootstrap intervals over tasks cover.

`python -m tests.benchmarks.across_tasks` writes `results/intervals/across_tasks.csv` in about four
minutes. Every cell has its own random generator, so that a test computes a cell again.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmbench.report.across_tasks.bootstrap import (
    Numbers,
    bounds,
    interquartile_mean,
    mean,
    probability_of_improvement,
    profile,
    profile_bounds,
    resample,
    scores_of,
)
from fmbench.report.power import draw_rates
from tests.benchmarks.intervals import OUT

TABLE = OUT / "across_tasks.csv"
MIXED, HIGH = "0.1 to 0.95", "0.9 to 0.99"
RATES = {MIXED: (0.1, 0.95, 0.5), HIGH: (0.9, 0.99, 0.9)}
"""Rates of the first and the last task, evenly spaced between, and the threshold of the profile."""
TASKS, SEEDS, SPREADS = (3, 8, 21), (3, 5, 10), (0.1, 0.3, 1.0)
"""At a spread of 1 every seed learns a task or fails it altogether."""
EPISODES, WORSE_BY = 100, 0.05
"""Episodes of a seed; what a second policy scores less on every task."""
RUNS, RESAMPLES, POPULATION = 500, 500, 20_000
"""Simulated comparisons of a cell: a share of 0.9 has a standard error of 0.013."""
NAMES = ("mean", "iqm", "profile", "improvement")
"""Quantities; columns with these names are their coverage. `_width` is the mean width of the
interval, `_plain` the coverage of plain quantiles of the bootstrap samples."""

Cell = tuple[str, float, int, int]
"""Rates, spread, tasks, seeds."""


def cells() -> list[Cell]:
    """Return the cells of the table."""
    return list(itertools.product(RATES, SPREADS, TASKS, SEEDS))


def coverage_of(cell: Cell, runs: int = RUNS) -> dict[str, Any]:
    """Simulate one cell: how often each interval covers the value of endlessly many seeds."""
    kind, spread, tasks, seeds = cell
    words = [list(RATES).index(kind), round(1000 * spread), tasks, seeds]
    generator = np.random.default_rng(words)
    first, last, threshold = RATES[kind]
    rates = np.linspace(first, last, tasks)

    def quantities(a: Numbers, b: Numbers) -> Numbers:
        share = profile(a, np.array([threshold]))[..., 0]
        improvement = probability_of_improvement(a, b)
        return np.stack([mean(a), interquartile_mean(a), share, improvement], axis=-1)

    # of the population, A and B are paired at random instead of each with each
    a, b = (_rates(rates - by, spread, POPULATION, generator) for by in (0, WORSE_BY))
    above = (a > b).mean() + (a == b).mean() / 2
    true = np.append(quantities(a, b[:, :1])[:-1], above)
    covered, plain, widths = np.zeros((3, len(true)))
    for _ in range(runs):
        pair = [_rates(rates - by, spread, seeds, generator) for by in (0, WORSE_BY)]
        drawn = [
            resample(scores_of(np.rint(x * EPISODES), EPISODES), generator, RESAMPLES) for x in pair
        ]
        samples = quantities(*drawn)
        observed = quantities(*pair)
        low, high = bounds(observed, samples, seeds)
        place = NAMES.index("profile")
        low[place], high[place] = profile_bounds(observed[place], samples[:, place])
        covered += (low <= true + 1e-12) & (true - 1e-12 <= high)
        widths += high - low
        low, high = np.quantile(samples, [0.025, 0.975], axis=0)
        plain += (low <= true + 1e-12) & (true - 1e-12 <= high)
    columns = {"": covered / runs, "_width": widths / runs, "_plain": plain / runs}
    found = {
        f"{name}{suffix}": round(float(value), 4)
        for suffix, values in columns.items()
        for name, value in zip(NAMES, values, strict=True)
    }
    return {"rates": kind, "spread": spread, "tasks": tasks, "seeds": seeds, **found}


def _rates(
    rates: NDArray[np.float64], spread: float, seeds: int, generator: np.random.Generator
) -> Numbers:
    """Draw (tasks, seeds) success rates."""
    if spread == 1.0:
        true = (generator.random((len(rates), seeds)) < rates[:, np.newaxis]).astype(np.float64)
    else:
        true = np.stack([draw_rates(float(p), spread, (seeds,), generator) for p in rates])
    return generator.binomial(EPISODES, true) / EPISODES


def main() -> int:
    """Write the table."""
    OUT.mkdir(exist_ok=True)
    table = pd.DataFrame([coverage_of(cell) for cell in cells()])
    table.to_csv(TABLE, index=False, lineterminator="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
