"""Pareto front of costs and rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def pareto_front(costs: ArrayLike, rates: ArrayLike) -> NDArray[np.int64]:
    """Return the places of what nothing dominates, by cost.

    One dominates another if it costs no more and its rate is no lower, and one of both is better.

    Args:
        costs: (n,), the lower the better; finite.
        rates: (n,), the higher the better; finite.
    """
    cost, rate = np.asarray(costs, dtype=float), np.asarray(rates, dtype=float)
    no_more, no_lower = cost[:, None] <= cost[None, :], rate[:, None] >= rate[None, :]
    better = (cost[:, None] < cost[None, :]) | (rate[:, None] > rate[None, :])
    dominated = (no_more & no_lower & better).any(axis=0)
    places = np.flatnonzero(~dominated)
    return np.asarray(places[np.lexsort((rate[places], cost[places]))])
