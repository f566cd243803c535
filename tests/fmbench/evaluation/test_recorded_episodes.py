"""Which episodes are recorded."""

import numpy as np
import pytest

from fmbench.evaluation.cells import Cell
from fmbench.evaluation.recorded_episodes import choose_episodes
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.fake_run import episode_row

POLICIES = {"flow": "1101", "bc": "0101", "gmm": "1111"}
"""Policy to the outcomes of its episodes 0, 1, ..."""


def rows_of(outcomes: str, policy: str, seed: int = 0) -> list[EpisodeRow]:
    generator = np.random.default_rng(0)
    return [
        episode_row(generator, "T", policy, ("euler", 4, 4), seed, episode, float(outcome))
        for episode, outcome in enumerate(outcomes)
    ]


def headline(policy: str, seed: int = 0) -> Cell:
    return Cell("T", policy, "euler", 4, seed)


ROWS = [row for policy, outcomes in POLICIES.items() for row in rows_of(outcomes, policy)]


def chosen(count: int, **options: object) -> dict[str, list[int]]:
    """Return the chosen episodes by policy."""
    cells = [headline(policy) for policy in POLICIES]
    found = choose_episodes(ROWS, cells, count, **options)  # type: ignore[arg-type]
    assert all(key == tuple(rows[0].cell.values()) for key, rows in found.items())
    return {str(key[1]): [row.episode_seed for row in rows] for key, rows in found.items()}


def test_first_successes_and_failures_and_where_pairs_differ() -> None:
    assert chosen(0) == {}
    # flow solved 0, failed 2; bc solved 1, failed 0; gmm solved 0. flow and bc differ at 0, gmm and
    # flow at 2, gmm and bc at 0 or 2, of which 0 is there already.
    assert chosen(1) == {"flow": [0, 2], "bc": [0, 1], "gmm": [0, 2]}
    assert chosen(1, paired=("flow", "bc")) == {"flow": [0, 2], "bc": [0, 1], "gmm": [0]}
    assert chosen(1, paired=()) == {"flow": [0, 2], "bc": [0, 1], "gmm": [0]}
    assert chosen(2)["bc"] == [0, 1, 2, 3]


def test_training_seeds_are_gone_through_in_order() -> None:
    rows = [*rows_of("00", "flow"), *rows_of("01", "flow", 1), *rows_of("10", "bc", 1)]
    cells = [headline(policy, seed) for policy in ("flow", "bc") for seed in (0, 1)]
    found = choose_episodes(rows, cells, 1)
    by_cell = {(key[1], key[4]): [row.episode_seed for row in r] for key, r in found.items()}
    assert by_cell == {("flow", 0): [0], ("flow", 1): [0, 1], ("bc", 1): [0, 1]}


@pytest.mark.parametrize("policy", ["expert", "flow"])
def test_only_headlines_are_chosen(policy: str) -> None:
    others = rows_of("11", policy)
    assert choose_episodes(others, [headline("bc")], 3) == {}
