"""Rows of `across_tasks.csv`: the policies that have all tasks, compared over them."""

from __future__ import annotations

import dataclasses
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from fmbench.report.across_tasks.bootstrap import (
    Numbers,
    Scores,
    bounds,
    interquartile_mean,
    mean,
    probability_of_improvement,
    profile,
    profile_bounds,
    resample,
    scores_of,
)
from fmbench.report.counted import counted
from fmbench.report.looks import Looks, backbone_order
from fmbench.report.outcomes import CELL, Columns, SummaryKey
from fmbench.report.results import Results
from fmbench.storage.rows import REFERENCES, Row

MEAN, IQM, PROFILE, IMPROVEMENT = "mean", "iqm", "profile", "improvement"
"""The quantities."""
THRESHOLDS: Numbers = np.arange(100) / 100
"""Success rates at which profiles are computed; no score is above 1."""


@dataclasses.dataclass(frozen=True)
class AcrossTasksRow(Row):
    """One quantity of one policy on one backbone, over all tasks."""

    file_name: ClassVar[str] = "across_tasks.csv"
    key: ClassVar[tuple[str, ...]] = (
        *("backbone", "policy", "sampler", "steps"),
        *("quantity", "against", "threshold"),
    )

    backbone: str
    policy: str
    sampler: str
    steps: int
    quantity: str
    """`mean`, `iqm`, `profile` or `improvement`."""
    against: str
    """The policy over which it is an improvement; empty for the other quantities."""
    threshold: float | None
    """Success rate of a profile; None for the other quantities."""
    tasks: int
    train_seeds: int
    """Training seeds of each task."""
    episodes: int
    """Episodes of each seed; the fewest, where some were lost."""
    value: float
    low: float
    high: float

    @property
    def method(self) -> Method:
        """What it describes."""
        return Method(self.backbone, self.policy, self.sampler, self.steps)


class Method(NamedTuple):
    """A policy with its headline sampler on one backbone."""

    backbone: str
    policy: str
    sampler: str
    steps: int


def method_of(results: Results, policy: str, sampler: str, steps: int) -> Method:
    """Return a policy of a run; runs of the first version do not state their backbone."""
    return Method(str(results.run.config.get("backbone", "")), policy, sampler, steps)


@dataclasses.dataclass(frozen=True)
class AcrossTasks:
    """The policies of a comparison over its tasks."""

    tasks: tuple[str, ...]
    rows: tuple[AcrossTasksRow, ...]
    left_out: Mapping[Method, str]
    """Those that are not in it, each with the reason."""


def across_tasks_of_run(results: Results) -> AcrossTasks | None:
    """Compare the policies of a run over all its tasks; None if it has one, or goes on."""
    return across_tasks_of_runs([results], results.looks)


def across_tasks_of_runs(
    runs: Sequence[Results], looks: Looks, only_profiles: bool = False
) -> AcrossTasks | None:
    """Compare the policies of runs over all tasks, backbone by backbone, in the order of `looks`.

    Args:
        runs: The runs; see `across_tasks`.
        looks: The order of policies.
        only_profiles: Whether to compute only the profiles, which takes a third of the time.

    Returns:
        The comparison, or None if there is only one task or a run has not finished.
    """
    if any(results.unfinished for results in runs):
        return None

    def order(method: Method) -> tuple[object, ...]:
        return backbone_order(method.backbone), looks.order(method.policy), method

    return across_tasks(runs, order, only_profiles)


def across_tasks(
    runs: Sequence[Results],
    order: Callable[[Method], tuple[object, ...]],
    only_profiles: bool = False,
) -> AcrossTasks | None:
    """Compare the policies of several runs over all their tasks, at their headline samplers.

    The numbers of a policy are a function of its episodes on these tasks: neither the order of runs
    and tasks nor the other policies matter.

    Args:
        runs: Finished runs, in which no two have the same policy on the same backbone and task.
        order: Sort key of the rows; of the two policies of a pair, the first is the one that may
            improve on the second.
        only_profiles: Whether to compute only the profiles.

    Returns:
        The comparison, or None if there is only one task.
    """
    counts_by_method: dict[Method, dict[str, Columns]] = {}
    reasons: dict[Method, list[str]] = {}
    for results in runs:
        for method, task, counts in headline_counts(results):
            counts_by_method.setdefault(method, {})[task] = counts
            if SummaryKey(task, *method[1:]) in results.broken:
                reasons.setdefault(method, []).append(f"broken on {task}")
    tasks = sorted({task for counts in counts_by_method.values() for task in counts})
    if len(tasks) < 2:
        return None
    methods = sorted(counts_by_method, key=order)
    left_out = {}
    scores: dict[Method, Scores] = {}
    for method in methods:
        counts_by_task = counts_by_method[method]
        if why := [*reasons.get(method, []), *_gaps(counts_by_task, tasks)]:
            left_out[method] = "; ".join(why)
            continue
        successes, episodes = (
            np.array([counts_by_task[task][name] for task in tasks])
            for name in ("successes", "episodes")
        )
        scores[method] = scores_of(successes, episodes)
    return AcrossTasks(tuple(tasks), tuple(_rows(scores, only_profiles)), left_out)


def headline_counts(results: Results) -> Iterator[tuple[Method, str, Columns]]:
    """Yield the headline of every policy and task: its successes and episodes by training seed."""
    summary = results.summary
    learned = summary[summary["headline"] & ~summary["policy"].isin(REFERENCES)]
    by_cell = results.outcomes.seeds_by_cell()
    for cell in learned[CELL].itertuples(index=False):
        method = method_of(results, *cell[1:])
        yield method, cell[0], by_cell[SummaryKey(*cell)]


def _gaps(counts_by_task: Mapping[str, Columns], tasks: Sequence[str]) -> Iterator[str]:
    """Yield what a policy lacks for a comparison over all tasks."""
    if missing := [task for task in tasks if task not in counts_by_task]:
        yield f"not run on {', '.join(missing)}"
    seeds = sorted({len(counts["episodes"]) for counts in counts_by_task.values()})
    if len(seeds) > 1:
        yield f"{counted(seeds, 'training seed')}, depending on the task"


def _rows(scores: Mapping[Method, Scores], only_profiles: bool) -> Iterator[AcrossTasksRow]:
    """Yield the rows of every policy, then those of every pair of policies on a backbone."""
    drawn = {method: resample(found, generator_of(method)) for method, found in scores.items()}
    for method, found in scores.items():
        samples = drawn[method]
        for quantity, of in () if only_profiles else ((MEAN, mean), (IQM, interquartile_mean)):
            yield from _quantity(method, found, quantity, of(found.rates), of(samples))
        shares = profile(found.rates, THRESHOLDS), profile(samples, THRESHOLDS)
        yield from _quantity(method, found, PROFILE, *shares, thresholds=THRESHOLDS)
    for a, b in () if only_profiles else itertools.combinations(scores, 2):
        if a.backbone == b.backbone:
            observed = probability_of_improvement(scores[a].rates, scores[b].rates)
            samples = probability_of_improvement(drawn[a], drawn[b])
            fewer = _fewer(scores[a], scores[b])
            yield from _quantity(a, fewer, IMPROVEMENT, observed, samples, against=b.policy)


def _fewer(a: Scores, b: Scores) -> Scores:
    """Return the scores of the one with fewer seeds, and then with fewer episodes."""
    return min(a, b, key=lambda found: (found.episodes.shape[1], int(found.episodes.min())))


def _quantity(
    method: Method,
    scores: Scores,
    quantity: str,
    observed: Numbers,
    samples: Numbers,
    thresholds: Numbers | None = None,
    against: str = "",
) -> Iterator[AcrossTasksRow]:
    """Yield the rows of a quantity, one for each threshold or a single one without."""
    tasks, seeds = scores.successes.shape
    design = tasks, seeds, int(scores.episodes.min())
    places: list[float | None] = [None] if thresholds is None else thresholds.tolist()
    is_profile = thresholds is not None
    found = profile_bounds(observed, samples) if is_profile else bounds(observed, samples, seeds)
    numbers = (np.atleast_1d(x) for x in (observed, *found))
    for place, *values in zip(places, *numbers, strict=True):
        yield AcrossTasksRow(*method, quantity, against, place, *design, *map(float, values))


def generator_of(names: Iterable[object]) -> np.random.Generator:
    """Return the generator of what some names state, e.g. of a policy."""
    return np.random.default_rng(zlib.crc32(" ".join(map(str, names)).encode()))
