"""Simulate how often the interval of what a condition changes for the same checkpoints covers.

`python -m tests.benchmarks.changes` writes `results/intervals/changes.csv` in about two minutes.
Every cell has its own random generator, so that a test computes some cells again.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

import numpy as np
import pandas as pd

from fmbench.report.over_changes import change_bounds, change_over_seeds, changes_of
from fmbench.report.over_seeds import difference_bounds, seeds_of
from tests.benchmarks.intervals import EPISODES, OUT, SEEDS, SPREADS

SHARES = (
    *((0.0, 0.02), (0.0, 0.1), (0.0, 0.3), (0.0, 0.7), (0.02, 0.02), (0.02, 0.1), (0.02, 0.3)),
    *((0.1, 0.1), (0.1, 0.3), (0.1, 0.7), (0.2, 0.2), (0.3, 0.3)),
)
"""Shares of episodes gained and lost. The reverse of a pair has the mirrored interval."""
RUNS = 10_000
"""Simulated methods of a cell: a share of 0.95 has a standard error of 0.002."""

Cell = tuple[float, float, float, int, int]
"""Share gained, share lost, spread, seeds, episodes."""


def change_cells() -> list[Cell]:
    """Return the cells of the table."""
    return [
        (*shares, spread, seeds, episodes)
        for shares, spread, seeds, episodes in itertools.product(SHARES, SPREADS, SEEDS, EPISODES)
    ]


def changes_in(cell: Cell, runs: int = RUNS) -> dict[str, Any]:
    """Simulate one cell: how often the interval covers the true change, and how wide it is.

    The seeds' shares of gained and lost episodes, of those solved under both conditions and under
    neither have a Dirichlet distribution with this deviation: `spread` sqrt(p (1 - p)) of each
    share p, and of the change the same part of what is possible. Beside it stands the interval of
    two methods, which does not know that both have the same checkpoints.
    """
    gained, lost, spread, seeds, episodes = cell
    rng = np.random.default_rng([round(1000 * value) for value in cell])
    same = 1.0 - gained - lost
    means = np.array([gained, lost, 0.8 * same, 0.2 * same])
    counts = _counts(means, spread, (runs, seeds), episodes, rng)
    changes = changes_of(counts[..., 0], counts[..., 1], episodes)
    low, high = change_bounds(changes)
    after, before = (seeds_of(counts[..., column] + counts[..., 2], episodes) for column in (0, 1))
    apart_low, apart_high = difference_bounds(after, before)
    true = gained - lost
    few = 500  # of these the p-values are found, by bisection
    p = change_over_seeds(changes_of(counts[:few, :, 0], counts[:few, :, 1], episodes)).p
    return {
        "gained": gained,
        "lost": lost,
        "spread": spread,
        "seeds": seeds,
        "episodes": episodes,
        "coverage": float(np.mean((low <= true + 1e-12) & (true - 1e-12 <= high))),
        "width": round(float(np.mean(high - low)), 4),
        "apart_width": round(float(np.mean(apart_high - apart_low)), 4),
        "significant": float(np.mean(p < 0.05)),
    }


def _counts(
    means: np.ndarray,
    spread: float,
    shape: tuple[int, int],
    episodes: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw (runs, seeds, 4) episodes gained, lost, solved twice and failed twice."""
    shares = np.broadcast_to(means, (*shape, len(means)))
    if spread:
        possible = means > 0
        drawn = rng.dirichlet(means[possible] * (1 / spread**2 - 1), size=shape)
        shares = np.zeros((*shape, len(means)))
        shares[..., possible] = drawn / drawn.sum(axis=-1, keepdims=True)
    return rng.multinomial(episodes, shares)


def main() -> int:
    """Write the table."""
    table = pd.DataFrame([changes_in(cell) for cell in change_cells()])
    table.to_csv(OUT / "changes.csv", index=False, lineterminator="\n")
    ratio = table["width"] / table["apart_width"]
    print(f"smallest coverage {table['coverage'].min():.3f}, width {ratio.mean():.2f} of apart")
    return 0


if __name__ == "__main__":
    sys.exit(main())
