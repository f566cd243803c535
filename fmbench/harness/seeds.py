"""Disjoint ranges of episode seeds: tuning, demonstrations, validation, two blocks of tests."""

import numpy as np

RANGE_SIZE = 1_000_000
# Experts and tasks were tuned on the first range; all reported results use the others.
TUNING, DEMONSTRATION, VALIDATION, TEST, SECOND_TEST = (RANGE_SIZE * k for k in range(5))
TEST_BLOCKS = {1: TEST, 2: SECOND_TEST}
"""Number of each block of test seeds to its first seed.

The first is that of every run. The second is used once, for a release: what was chosen by looking
at results on the first block, if only by many hands over a long time, was not chosen on it.
"""


def episode_seeds(first: int, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the first `count` seeds of the range that starts at `first`, `(count,)`.

    Raises:
        ValueError: `count` is not positive or leaves the range.
    """
    if not 1 <= count <= RANGE_SIZE:
        raise ValueError(f"The number of episodes is {count}; give 1 to {RANGE_SIZE}.")
    return np.arange(first, first + count, dtype=np.int64)
