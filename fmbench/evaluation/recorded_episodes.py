"""Which episodes of a run are recorded, chosen from their rows alone."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from fmbench.storage.rows import CellRow, EpisodeRow

Chosen: TypeAlias = dict[tuple[object, ...], list[EpisodeRow]]
"""Values of `CellRow.key` to the episodes of that cell, in order."""
_Place: TypeAlias = tuple[int, int]
"""Training seed and episode seed."""


def choose_episodes(
    rows: Iterable[EpisodeRow],
    headlines: Collection[CellRow],
    count: int,
    paired: Collection[str] | None = None,
) -> Chosen:
    """Choose the episodes of one task that show what its policies do and where they differ.

    These are, for each policy at its headline, the first `count` successes and the first `count`
    failures, in the order of training seeds and episodes; and for each pair of policies up to
    `count` episodes that only one of them solved and as many that only the other did, each of both
    policies. Of those, episodes are preferred that are chosen already.

    Args:
        rows: Episodes of the task.
        headlines: The headline cells, of every policy and training seed.
        count: How many; 0 chooses none.
        paired: Policies whose pairs are shown; None for all.
    """
    solved = _by_policy(rows, headlines)
    chosen: dict[tuple[str, _Place], EpisodeRow] = {}
    for policy, episodes in solved.items():
        for success in (True, False):
            alike = [place for place, row in episodes.items() if row.success == success]
            chosen |= {(policy, place): episodes[place] for place in alike[:count]}
    in_pairs = [policy for policy in solved if paired is None or policy in paired]
    for pair in itertools.permutations(in_pairs, 2):
        for place in _only_first_solved(solved, pair, chosen)[:count]:
            chosen |= {(policy, place): solved[policy][place] for policy in pair}
    by_cell: Chosen = {}
    for policy, episodes in solved.items():
        for place, row in episodes.items():
            if (policy, place) in chosen:
                by_cell.setdefault(tuple(row.cell.values()), []).append(row)
    return by_cell


def _by_policy(
    rows: Iterable[EpisodeRow], headlines: Collection[CellRow]
) -> dict[str, dict[_Place, EpisodeRow]]:
    """Return the headline episodes of every policy, in order."""
    cells = [tuple(cell.cell.values()) for cell in headlines]
    found: dict[str, dict[_Place, EpisodeRow]] = {cell.policy: {} for cell in headlines}
    for row in rows:
        if tuple(row.cell.values()) in cells:
            found[row.policy][row.train_seed, row.episode_seed] = row
    return {policy: dict(sorted(episodes.items())) for policy, episodes in found.items()}


def _only_first_solved(
    solved: Mapping[str, Mapping[_Place, EpisodeRow]],
    pair: Sequence[str],
    chosen: Collection[tuple[str, _Place]],
) -> list[_Place]:
    """Return episodes that only the first of two policies solved, those chosen already first."""
    first, second = (solved[policy] for policy in pair)
    only = [
        place
        for place, row in first.items()
        if row.success and place in second and not second[place].success
    ]
    return sorted(only, key=lambda place: -sum((policy, place) in chosen for policy in pair))
