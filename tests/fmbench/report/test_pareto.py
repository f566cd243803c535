"""Pareto front: what no other point beats in cost and rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmbench.report.pareto import pareto_front


@pytest.mark.parametrize(
    ("costs", "rates", "front"),
    [
        ([1, 2, 3], [0.5, 0.9, 0.8], [0, 1]),
        ([3, 2, 1], [0.9, 0.9, 0.9], [2]),
        ([1, 1, 2], [0.4, 0.6, 0.6], [1]),
        ([1, 1], [0.5, 0.5], [0, 1]),  # neither is better
        ([5], [0.0], [0]),
    ],
)
def test_front_of_small_sets(costs, rates, front):
    assert pareto_front(costs, rates).tolist() == front


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_a_point_is_on_the_front_if_and_only_if_nothing_dominates_it(points):
    costs, rates = np.array(points).T
    front = pareto_front(costs, rates).tolist()
    for i, (cost, rate) in enumerate(points):
        dominated = any(c <= cost and r >= rate and (c, r) != (cost, rate) for c, r in points)
        assert (i in front) != dominated
    assert sorted(costs[front]) == list(costs[front])
