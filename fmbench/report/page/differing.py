"""Episodes that one policy solved and another one did not, from the same start."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from fmbench.report.outcomes import Solved
from fmbench.report.page.media import PlayedEpisode


@dataclasses.dataclass(frozen=True)
class PolicyDifference:
    """Two policies of one run on one task.

    Attributes:
        first: Name of a policy.
        second: Name of the other.
        only_first: Episodes that only the first one solved.
        only_second: Episodes that only the second one solved.
        both: Episodes of both.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    both: int


def differences(solved: Mapping[str, Solved]) -> list[PolicyDifference]:
    """Return every pair of policies that differ in an episode.

    Args:
        solved: Policy to its episodes on one task, in one run.
    """
    found = []
    for first, second in itertools.combinations(solved, 2):
        one, other = solved[first], solved[second]
        both, places, others = np.intersect1d(
            one.episodes, other.episodes, assume_unique=True, return_indices=True
        )
        a, b = one.success[places], other.success[others]
        each = PolicyDifference(first, second, int((a & ~b).sum()), int((b & ~a).sum()), len(both))
        if each.only_first or each.only_second:
            found.append(each)
    return found


@dataclasses.dataclass(frozen=True)
class RecordedPair:
    """Two recorded episodes from one start, of which only the first is a success.

    Attributes:
        solved: Place of the success among the episodes.
        failed: Place of the failure among them.
    """

    solved: int
    failed: int


def recorded_pairs(episodes: Sequence[PlayedEpisode]) -> list[RecordedPair]:
    """Return the pairs of recorded episodes that begin alike and end differently.

    The two are of one run and one training seed, or one of them was played by an expert for the
    page. Nothing else may decide their difference but the policy.

    Args:
        episodes: Episodes of which all have states.
    """
    starts: dict[tuple[str, int], list[int]] = {}
    for place, episode in enumerate(episodes):
        start = (episode.facts.task, episode.facts.episode_seed)
        starts.setdefault(start, []).append(place)
    pairs = []
    for places in starts.values():
        for one, other in itertools.permutations(places, 2):
            if _differ(episodes[one], episodes[other]):
                pairs.append(RecordedPair(one, other))
    return pairs


def _differ(one: PlayedEpisode, other: PlayedEpisode) -> bool:
    """Return whether the first of two episodes from one start is a success, the second not."""
    if not one.facts.success or other.facts.success:
        return False
    alike = (one.run, one.facts.train_seed) == (other.run, other.facts.train_seed)
    return alike or "" in (one.run, other.run)
