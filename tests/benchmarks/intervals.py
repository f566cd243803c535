"""Simulate how often the intervals of the report cover, and how often its verdicts are wrong.

`python -m tests.benchmarks.intervals` writes `results/intervals/` in about four minutes. Every cell
has its own random generator, so that a test computes some cells again.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from fmbench.report.over_seeds import (
    RANGE,
    difference_bounds,
    interval_over_seeds,
    is_beyond_range,
    seeds_of,
)
from fmbench.report.power import draw_rates
from fmbench.report.verdicts import AHEAD, BEHIND, EQUIVALENT, MARGIN, NON_INFERIOR, verdict_of
from tests.benchmarks.checkpoints import checkpoint_verdicts
from tests.benchmarks.intervals_text import coverage_markdown

OUT = Path(__file__).parent.parent.parent / "results" / "intervals"
RATES = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5)
"""By symmetry they stand for 0.5 to 0.98, too."""
SPREADS, BEYOND = (0.0, 0.1, 0.2, 0.3), (0.5, 0.7, 1.0)
"""Deviations between seeds in units of sqrt(p (1 - p)): in the range of the promise, and beyond."""
SEEDS, EPISODES = (3, 4, 5, 7, 10), (50, 100, 200)
BETA, UNIFORM = "beta", "uniform"
"""Distributions of the seeds' true rates for which the coverage is promised."""
TWO_VALUES, SAME_STARTS = "two values", "same starts"
"""Beyond it: two kinds of seeds; equal seeds that solve the same starts, asked of new starts."""
RUNS = 20_000
"""Simulated tables of a cell: a share of 0.95 has a standard error of 0.0015."""

Cell = tuple[str, float, float, int, int]
"""How seeds differ, rate, spread, seeds, episodes."""
Numbers = NDArray[np.float64]


def coverage_cells() -> list[Cell]:
    """Return the cells of `coverage.csv`."""
    spreads = [(BETA, spread) for spread in (*SPREADS, *BEYOND)]
    spreads += [(kind, spread) for kind in (UNIFORM, TWO_VALUES) for spread in SPREADS[1:]]
    return [
        (kind, rate, spread, seeds, episodes)
        for (kind, spread), rate, seeds, episodes in itertools.product(
            [*spreads, (SAME_STARTS, 0.0)], RATES, SEEDS, EPISODES
        )
        if kind != UNIFORM or _half_width(rate, spread) <= rate
    ]


def coverage_of(cell: Cell, runs: int = RUNS) -> dict[str, Any]:
    """Simulate one cell: how often the interval covers the true rate, and how wide it is.

    The t interval over the seeds' means stands beside it; its standard deviation is at least that
    of the episodes, sqrt(p (1 - p) / n).
    """
    kind, rate, spread, seeds, episodes = cell
    counts = _counts(cell, runs, _generator(cell))
    found = seeds_of(counts, episodes)
    low, high = interval_over_seeds(found)
    deviation = np.maximum((counts / episodes).std(axis=1, ddof=1),
                           np.sqrt(found.rate * (1 - found.rate) / episodes))  # fmt: skip
    half = stats.t.ppf(0.975, seeds - 1) * deviation / np.sqrt(seeds)
    t_low, t_high = np.maximum(found.rate - half, 0.0), np.minimum(found.rate + half, 1.0)
    return {
        "seeds_differ": kind,
        "rate": rate,
        "spread": spread,
        "seeds": seeds,
        "episodes": episodes,
        "in_range": kind in (BETA, UNIFORM) and spread <= RANGE,
        "coverage": _share((low <= rate) & (rate <= high)),
        "width": _mean(high - low),
        "t_coverage": _share((t_low <= rate) & (rate <= t_high)),
        "t_width": _mean(t_high - t_low),
        "warned": _share(is_beyond_range(found)),
    }


def verdict_cells() -> list[tuple[float, float, float, float, int, int]]:
    """Return rates and spreads of two methods, seeds and episodes, for `verdicts.csv`."""
    equal = [(rate, rate) for rate in (*RATES, *(1 - rate for rate in RATES[:-1]))]
    apart = [(rate, round(rate - MARGIN, 3)) for rate in (0.07, 0.1, 0.3, 0.5, 0.9, 0.98, 1.0)]
    spreads = ((0.0, 0.0), (0.1, 0.1), (0.3, 0.3), (0.0, 0.3), (0.3, 0.0))
    return [
        (rate_a, round(rate_b, 3), spread_a, spread_b, seeds, episodes)
        for (rate_a, rate_b), (spread_a, spread_b), seeds, episodes in itertools.product(
            [*equal, *apart], spreads, SEEDS, EPISODES
        )
    ]


def verdicts_of(
    cell: tuple[float, float, float, float, int, int], runs: int = RUNS // 4
) -> dict[str, Any]:
    """Simulate the verdicts on two methods, of a table with this comparison alone."""
    rate_a, rate_b, spread_a, spread_b, seeds, episodes = cell
    generator = _generator(cell)
    a, b = (
        seeds_of(_counts((BETA, rate, spread, seeds, episodes), runs, generator), episodes)
        for rate, spread in ((rate_a, spread_a), (rate_b, spread_b))
    )
    low, high = difference_bounds(a, b)
    verdicts = [verdict_of(*bounds, p_holm=0.0) for bounds in zip(low, high, strict=True)]
    difference = rate_a - rate_b
    words = [verdict.word for verdict in verdicts]
    return {
        "seeds": seeds,
        "episodes": episodes,
        "rate_a": rate_a,
        "rate_b": rate_b,
        "spread_a": spread_a,
        "spread_b": spread_b,
        "coverage": _share((low <= difference + 1e-12) & (difference - 1e-12 <= high)),
        "ahead": words.count(AHEAD) / runs,
        "behind": words.count(BEHIND) / runs,
        "within_margin": sum(verdict.within_margin for verdict in verdicts) / runs,
        "equivalent": words.count(EQUIVALENT) / runs,
        "non_inferior": verdicts.count((NON_INFERIOR, 1, False)) / runs,
        "inverse": verdicts.count((NON_INFERIOR, -1, False)) / runs,
    }


def wrong(table: pd.DataFrame) -> pd.DataFrame:
    """Return how often each verdict is wrong in each cell of `verdicts.csv`; NaN if it cannot be.

    Ahead and behind are wrong of equal rates. With a difference of just the margin the others are:
    ahead within the margin, equivalent, and that the worse policy is non-inferior (which being
    equivalent or ahead implies).
    """
    is_equal = (table["rate_a"] - table["rate_b"]).abs() < 1e-9
    return pd.DataFrame(
        {
            "ahead or behind": (table["ahead"] + table["behind"]).where(is_equal),
            "within the margin": table["within_margin"].where(~is_equal),
            "equivalent": table["equivalent"].where(~is_equal),
            "non-inferior": (
                table["inverse"] + table["equivalent"] + table["within_margin"] + table["behind"]
            ).where(~is_equal),
        }
    )


def _counts(cell: Cell, runs: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw (runs, seeds) successes."""
    kind, rate, spread, seeds, episodes = cell
    if kind == SAME_STARTS:
        return np.repeat(generator.binomial(episodes, rate, (runs, 1)), seeds, axis=1)
    if kind == TWO_VALUES:
        rates = _two_values(rate, spread, (runs, seeds), generator)
    elif kind == UNIFORM:
        half = _half_width(rate, spread)
        rates = generator.uniform(rate - half, rate + half, (runs, seeds))
    elif spread == 1.0:
        rates = (generator.random((runs, seeds)) < rate).astype(np.float64)
    else:
        rates = draw_rates(rate, spread, (runs, seeds), generator)
    return generator.binomial(episodes, rates)


def _half_width(rate: float, spread: float) -> float:
    """Return half the range of a uniform distribution of deviation spread sqrt(p (1 - p))."""
    return float(np.sqrt(3 * rate * (1 - rate)) * spread)


def _two_values(
    rate: float, spread: float, shape: tuple[int, int], generator: np.random.Generator
) -> Numbers:
    """Draw rates that are equally often above and below; or 0, where the lower one would be less.

    Their mean is `rate` and their deviation `spread` sqrt(p (1 - p)).
    """
    deviation = spread * np.sqrt(rate * (1 - rate))
    low, share = max(rate - deviation, 0.0), 0.5
    if low == 0.0:  # a share learns to p + d^2 / p, the others fail altogether
        share = rate**2 / (rate**2 + deviation**2)
    high = low + (rate - low) / share
    return np.where(generator.random(shape) < share, high, low)


def _generator(cell: tuple[Any, ...]) -> np.random.Generator:
    """Return the generator of one cell, a function of its values."""
    kinds = {BETA: 1, TWO_VALUES: 2, SAME_STARTS: 3, UNIFORM: 4}
    words = [kinds[x] if isinstance(x, str) else round(1000 * x) for x in cell]
    return np.random.default_rng(words)


def _share(found: NDArray[np.bool_]) -> float:
    return float(np.mean(found))


def _mean(values: Numbers) -> float:
    return round(float(np.mean(values)), 4)


def main() -> int:
    """Write the tables."""
    OUT.mkdir(exist_ok=True)
    coverage = pd.DataFrame([coverage_of(cell) for cell in _counted(coverage_cells())])
    verdicts = pd.DataFrame([verdicts_of(cell) for cell in _counted(verdict_cells())])
    checkpoints = checkpoint_verdicts()
    tables = {"coverage": coverage, "verdicts": verdicts, "checkpoints": checkpoints}
    for name, table in tables.items():
        table.to_csv(OUT / f"{name}.csv", index=False, lineterminator="\n")
    text = coverage_markdown(coverage, wrong(verdicts), wrong(checkpoints), verdicts)
    (OUT / "coverage.md").write_text(text, encoding="utf-8")
    return 0


def _counted(cells: list[Any]) -> Iterator[Any]:
    """Yield cells and show their number."""
    for place, cell in enumerate(cells, start=1):
        if place % 100 == 0 or place == len(cells):
            print(f"{place} of {len(cells)} cells", file=sys.stderr)
        yield cell


if __name__ == "__main__":
    sys.exit(main())
