"""Rows of `across_hands.csv`: how far two hands agree on the order of the policies."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from fmbench.report.across_hands.ranks import correlation_bounds, kendall, mean_rate
from fmbench.report.across_tasks.bootstrap import Numbers, resample, scores_of
from fmbench.report.across_tasks.table import Method, generator_of, headline_counts
from fmbench.report.outcomes import Columns, SummaryKey
from fmbench.report.results import Results
from fmbench.storage.rows import Row

OWN = "fmbench"
"""The hand of tasks whose names end with no other hand's."""
LEAST_POLICIES = 2
ALIKE, OPPOSED, UNDECIDED = "alike", "opposed", "undecided"
"""What the interval of a correlation says: above 0, below 0, or neither."""


@dataclasses.dataclass(frozen=True)
class AcrossHandsRow(Row):
    """The rank correlation of the policies between two hands, on one task or over all."""

    file_name: ClassVar[str] = "across_hands.csv"
    key: ClassVar[tuple[str, ...]] = ("backbone", "hand", "other", "task")

    backbone: str
    hand: str
    other: str
    task: str
    """The task without its hand; empty for the mean over the tasks."""
    tasks: int
    policies: int
    train_seeds: int
    """Training seeds of each policy; the fewest."""
    episodes: int
    """Episodes of each seed; the fewest."""
    tau: float
    low: float
    high: float
    verdict: str
    """`alike`, `opposed` or `undecided`: the sign of the correlation, not its size."""


@dataclasses.dataclass(frozen=True)
class AcrossHands:
    """The comparison of hands, and the policies that are not in it, each with the reason."""

    rows: tuple[AcrossHandsRow, ...]
    left_out: Mapping[Method, str]


class HandTask(NamedTuple):
    """A task on a hand."""

    task: str
    hand: str


def task_and_hand(name: str, hands: Sequence[str]) -> HandTask:
    """Split the name of a task on a hand, e.g. `LiftCubeLeap` into `LiftCube` and `leap`.

    Args:
        name: Name of the task.
        hands: The hands that there are, `fmbench` or not.
    """
    ends = {f"{hand[0].upper()}{hand[1:]}": hand for hand in hands if hand != OWN}
    fitting = [end for end in ends if name.endswith(end) and name != end]
    if not fitting:
        return HandTask(name, OWN)
    end = max(fitting, key=len)
    return HandTask(name.removesuffix(end), ends[end])


class _Measured(NamedTuple):
    """The success of one policy on one task on one hand."""

    rate: Numbers
    """(), over all training seeds and episodes."""
    drawn: Numbers
    """(resamples,), of every bootstrap sample."""
    seeds: int
    episodes: int


_OfPolicies = Mapping[Method, Mapping[HandTask, _Measured]]


def across_hands(
    runs: Sequence[Results],
    hands: Sequence[str],
    order: Callable[[Method], tuple[object, ...]],
) -> AcrossHands | None:
    """Compare the order of the policies on every two hands, at their headline samplers.

    Two hands are compared on the tasks that both have, by the policies that were run on all tasks
    of all hands. The numbers are a function of the episodes: the order of runs does not matter.

    Args:
        runs: Finished runs, in which no two have the same policy on the same backbone and task.
        hands: The hands, in order.
        order: Sort key of the policies.

    Returns:
        The comparison, or None if there is one hand only, or a run has not finished.
    """
    if any(results.unfinished for results in runs):
        return None
    measured: dict[Method, dict[HandTask, _Measured]] = {}
    reasons: dict[Method, list[str]] = {}
    for results in runs:
        for method, name, counts in headline_counts(results):
            place = task_and_hand(name, hands)
            measured.setdefault(method, {})[place] = _measured(method, place, counts)
            if SummaryKey(name, *method[1:]) in results.broken:
                reasons.setdefault(method, []).append(f"broken on {name}")
    places = {place for of_method in measured.values() for place in of_method}
    present = [hand for hand in hands if any(place.hand == hand for place in places)]
    if len(present) < 2:
        return None
    for method, of_method in measured.items():
        if missing := sorted(" on ".join(place) for place in places - set(of_method)):
            reasons.setdefault(method, []).append(f"not run: {', '.join(missing)}")
    kept = {m: measured[m] for m in sorted(measured, key=order) if m not in reasons}
    rows: list[AcrossHandsRow] = []
    for backbone in dict.fromkeys(method.backbone for method in kept):
        group = {m: of_method for m, of_method in kept.items() if m.backbone == backbone}
        if len(group) >= LEAST_POLICIES:
            for hand, other in itertools.combinations(present, 2):
                rows += _pair(backbone, group, hand, other)
    return AcrossHands(tuple(rows), {m: "; ".join(why) for m, why in reasons.items()})


def _measured(method: Method, place: HandTask, counts: Columns) -> _Measured:
    scores = scores_of(counts["successes"][np.newaxis], counts["episodes"][np.newaxis])
    drawn = resample(scores, generator_of((*method, *place)))
    seeds, episodes = scores.episodes.shape[1], int(scores.episodes.min())
    return _Measured(mean_rate(scores.rates), mean_rate(drawn), seeds, episodes)


def _pair(backbone: str, group: _OfPolicies, hand: str, other: str) -> Iterator[AcrossHandsRow]:
    """Yield the rows of two hands: the mean over their tasks, then each task."""
    places = next(iter(group.values()))
    tasks = sorted(place.task for place in places if place.hand == hand)
    tasks = [task for task in tasks if HandTask(task, other) in places]
    if not tasks:
        return
    used = [of[HandTask(t, h)] for of in group.values() for t in tasks for h in (hand, other)]
    seeds, episodes = (min(getattr(one, name) for one in used) for name in ("seeds", "episodes"))
    observed, drawn = (
        [
            kendall(*(_of_policies(group, HandTask(task, side), name) for side in (hand, other)))
            for task in tasks
        ]
        for name in ("rate", "drawn")
    )
    names, taus, samples = ["", *tasks], [np.mean(observed, axis=0)], [np.mean(drawn, axis=0)]
    for name, tau, of_samples in zip(names, taus + observed, samples + drawn, strict=True):
        low, high = map(float, correlation_bounds(np.asarray(tau), of_samples, seeds))
        sizes = (1 if name else len(tasks), len(group), seeds, episodes)
        yield AcrossHandsRow(
            backbone, hand, other, name, *sizes, float(tau), low, high, _verdict(low, high)
        )


def _of_policies(group: _OfPolicies, place: HandTask, name: str) -> Numbers:
    """Return one value of every policy, (..., policies)."""
    return np.stack([getattr(of_method[place], name) for of_method in group.values()], axis=-1)


def _verdict(low: float, high: float) -> str:
    return ALIKE if low > 0 else OPPOSED if high < 0 else UNDECIDED
