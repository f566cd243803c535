"""Rows of `test_blocks.csv`: success rates of a run's checkpoints on two blocks of test seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from fmbench.config import ALL_TASKS
from fmbench.report.caveats import broken_cells
from fmbench.report.outcomes import CELL, Outcomes, SummaryKey
from fmbench.report.over_seeds import Numbers
from fmbench.report.over_starts import change_over_starts, starts_of
from fmbench.report.results import Results
from fmbench.report.statistics import holm
from fmbench.storage.rows import REFERENCES, Row

Blocks = tuple[dict[SummaryKey, Numbers], ...]
"""For either block the share of training seeds that solved each episode, by cell."""
OVERALL = SummaryKey(ALL_TASKS, "all", "", 0)
"""Key of the row over all cells; no task has this name."""


_NUMBERS = ("first", "second", "difference", "low", "high", "p")
_NOTHING = dict.fromkeys(("low", "high", "p"))


@dataclasses.dataclass(frozen=True)
class BlockRow(Row):
    """One cell on both blocks; the last row is the mean over all cells of trained policies."""

    file_name: ClassVar[str] = "test_blocks.csv"
    key: ClassVar[tuple[str, ...]] = tuple(CELL)

    task: str
    policy: str
    sampler: str
    steps: int
    headline: bool
    train_seeds: int
    """Training seeds, or 0 of what is not trained."""
    episodes: int
    """Episodes of each training seed on each block."""
    first: float
    """Success rate on the first block: the mean over training seeds, as below."""
    second: float
    difference: float
    """That on the second block minus that on the first."""
    low: float | None
    """Lower bound of its 95 % interval; None of a broken cell, like all below."""
    high: float | None
    p: float | None
    """The level at which the interval excludes 0."""
    p_holm: float | None
    """The same, adjusted over all cells of trained policies; None of other rows."""


def block_rows(pairs: Sequence[tuple[Results, Results]]) -> list[BlockRow]:
    """Compare the cells of two evaluations of the same checkpoints.

    Args:
        pairs: Finished runs of different tasks on the first block, each with its evaluation on the
            second block, which has some or all of its cells.
    """
    broken = broken_on_a_block(pairs)
    lines: list[Any] = [row for _, second in pairs for row in second.summary.itertuples()]
    keys = [key for _, second in pairs for key in _keys(second)]
    shares = tuple(
        {key: _shares(pair[block].outcomes, key) for pair in pairs for key in _keys(pair[1])}
        for block in (0, 1)
    )
    seeds = [int(line.train_seeds) for line in lines]
    numbers = _of_cells(shares, seeds)
    left_out = {key for key in keys if key in broken or key.policy in REFERENCES}
    compared = [i for i, key in enumerate(keys) if key not in left_out]
    adjusted = dict(zip(compared, holm([numbers[i]["p"] for i in compared]).tolist(), strict=True))
    rows = [
        BlockRow(
            *key,
            headline=bool(lines[i].headline),
            train_seeds=0 if key.policy in REFERENCES else seeds[i],
            episodes=len(shares[0][key]),
            **{**numbers[i], **(_NOTHING if key in broken else {})},
            p_holm=adjusted.get(i),
        )
        for i, key in enumerate(keys)
    ]
    if compared:
        rows.append(_overall([keys[i] for i in compared], shares, seeds[compared[0]]))
    return rows


def broken_on_a_block(pairs: Sequence[tuple[Results, Results]]) -> frozenset[SummaryKey]:
    """Return the cells whose rate on one block says nothing about the policy."""
    runs = [run for pair in pairs for run in pair]
    return frozenset(key for run in runs for key in broken_cells(run.outcomes))


def _keys(results: Results) -> list[SummaryKey]:
    rows: list[Any] = list(results.summary.itertuples())
    return [SummaryKey(row.task, row.policy, row.sampler, row.steps) for row in rows]


def _shares(outcomes: Outcomes, key: SummaryKey) -> Numbers:
    """Return the share of training seeds that solved each episode of a cell, in the seeds' order.

    A finished run has every episode of every training seed.
    """
    solved = outcomes.solved[key]
    seeds = len(np.unique(outcomes.train_seeds[solved.episodes]))
    shares: Numbers = solved.success.reshape(seeds, -1).mean(axis=0)
    return shares


def _of_cells(shares: Blocks, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return the numbers of every cell."""
    first, second = (starts_of(np.array(list(block.values())), seeds) for block in shares)
    change = change_over_starts(first, second)
    columns = zip(first.rate, second.rate, *change, strict=True)
    return [dict(zip(_NUMBERS, map(float, values), strict=True)) for values in columns]


def _overall(keys: Sequence[SummaryKey], shares: Blocks, seeds: int) -> BlockRow:
    """Return the mean over cells.

    All cells of a task meet the same starts, so their mean is one outcome; tasks are independent.
    """
    by_task: dict[str, list[SummaryKey]] = {}
    for key in keys:
        by_task.setdefault(key.task, []).append(key)
    sizes = np.array([len(cells) for cells in by_task.values()])
    weights = sizes / len(keys)
    first, second = (
        starts_of(
            [np.mean([block[key] for key in cells], axis=0) for cells in by_task.values()],
            seeds * sizes,
        )
        for block in shares
    )
    change = change_over_starts(first, second, weights)
    means = (np.sum(weights * block.rate) for block in (first, second))
    values = map(float, (*means, *change))
    numbers: dict[str, Any] = dict(zip(_NUMBERS, values, strict=True))
    return BlockRow(
        *OVERALL,
        headline=False,
        train_seeds=seeds,
        episodes=len(shares[0][keys[0]]),
        **numbers,
        p_holm=None,
    )
