"""Policies from outside against those of other runs: the same episodes, and what else differs."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from fmbench.config import ADDED, AGENT, GROWING, STATE
from fmbench.report.comparable import EPISODES
from fmbench.report.comparisons import ComparisonRow, compare_cells
from fmbench.report.config_differences import config_differences
from fmbench.report.looks import Looks
from fmbench.report.outcomes import CELL, SummaryKey, outcomes_of
from fmbench.report.results import Results
from fmbench.report.summary import frame
from fmbench.storage.rows import REFERENCES
from fmbench.storage.run_facts import RunFacts

NOT_COMPARED = {*GROWING, "preset", "device", "backbone", "sampler", "steps", "demos", "updates"}
"""Values of a configuration that say nothing more, or that rows show beside each policy."""


@dataclasses.dataclass(frozen=True)
class OutsidePairs:
    """A policy from outside against every policy of another run.

    Attributes:
        outside: Its run.
        other: The other run.
        table: Frame of `ComparisonRow`, in which it is `policy_b`; Holm-adjusted over its rows.
        differences: What differs besides the policies, one line each.
    """

    outside: Results
    other: Results
    table: pd.DataFrame
    differences: tuple[str, ...]

    @property
    def looks(self) -> Looks:
        """The looks of all of its policies."""
        return Looks(self.other.run, self.outside.run)


def is_outside(results: Results) -> bool:
    """Return whether a run is the evaluation of a policy from outside."""
    return results.run.outside is not None


def may_stand_beside(outside: Results, other: Results, task: str) -> bool:
    """Return whether two runs have the same version of a task, and the same test episodes of it."""
    return (
        task in outside.run.task_hashes
        and outside.run.task_hashes[task] == other.run.task_hashes.get(task)
        and outside.run.hash_kind == other.run.hash_kind
        and _episodes(outside) == _episodes(other)
    )


def _episodes(results: Results) -> list[object]:
    return [{**ADDED, **results.run.config}.get(name) for name in EPISODES]


def outside_pairs(runs: Sequence[Results]) -> list[OutsidePairs]:
    """Compare each policy from outside with those of every other run that has its task.

    Both have the same version of the task, and pairs are of common training seeds and episodes.
    Two policies from outside are compared once. Unfinished runs are left out, like broken cells.

    Args:
        runs: The runs, in order.
    """
    finished = [run for run in runs if run.complete]
    found = []
    places = itertools.product(range(len(finished)), repeat=2)
    for place, place_of_other in places:
        outside, other = finished[place], finished[place_of_other]
        if not is_outside(outside) or (is_outside(other) and place_of_other >= place):
            continue
        rows = list(_pairs(outside, other))
        if rows:
            lines = tuple(_differences(outside, other))
            found.append(OutsidePairs(outside, other, frame(rows, ComparisonRow), lines))
    return found


def _pairs(outside: Results, other: Results) -> Iterator[ComparisonRow]:
    """Yield the comparisons of two runs, in the order of the tables of the second."""
    common = [
        task
        for task, value in outside.run.task_hashes.items()
        if other.run.task_hashes.get(task) == value and other.run.hash_kind == outside.run.hash_kind
    ]
    cells = {run: _headlines(results, common) for run, results in ((0, other), (1, outside))}
    pairs = [
        (a, b) for a in cells[0] for b in cells[1] if a.task == b.task and a.policy != b.policy
    ]
    if not pairs:
        return
    kept = [_rows_of(results, cells[run]) for run, results in ((0, other), (1, outside))]
    yield from compare_cells(outcomes_of(pd.concat(kept)), pairs, other.margin)


def _headlines(results: Results, tasks: Sequence[str]) -> list[SummaryKey]:
    """Return the headline cells of a run's policies on some tasks, without broken ones."""
    summary = results.summary
    chosen = summary[summary["headline"] & summary["task"].isin(tasks)]
    keys = [SummaryKey(*key) for key in chosen[CELL].itertuples(index=False, name=None)]
    return [key for key in keys if key.policy not in REFERENCES and key not in results.broken]


def _rows_of(results: Results, cells: Sequence[SummaryKey]) -> pd.DataFrame:
    keys = pd.MultiIndex.from_tuples(list(cells), names=CELL)
    return results.episodes[pd.MultiIndex.from_frame(results.episodes[CELL]).isin(keys)]


def _stated(run: RunFacts, task: str) -> dict[str, Any]:
    """Return the configuration of a run with what its JSON leaves out, on one task."""
    values = {**ADDED, "observation": STATE, **run.config}
    if values["observation"] == STATE:
        return values
    words = (run.sights or {}).get(task, "unknown unknown").split()
    seen = {"renderer": " ".join(words[:1]), "cameras": " ".join(words[1:-1])}
    return {"beside": AGENT, **values, **seen}


def _differences(outside: Results, other: Results) -> Iterator[str]:
    """Yield what differs between a policy from outside and those of another run."""
    looks = Looks(other.run, outside.run)
    label = " and ".join(looks.label(policy) for policy in outside.run.policies)
    (task,) = outside.run.task_hashes  # `read_results` has checked it
    theirs, ours = (_stated(run.run, task) for run in (outside, other))
    names = sorted((set(outside.run.config) & set(ours)) - NOT_COMPARED)
    texts = [f"{n} {theirs[n]} (there {ours[n]})" for n in names if theirs[n] != ours[n]]
    if texts:
        yield f"{label} differs from the policies of the other run in {', '.join(texts)}"
    rows = [
        (run.origins[run.origins["policy"].isin(set(run.run.policies))], run.measurements)
        for run in (other, outside)
    ]
    origins, measurements = (pd.concat(part) for part in zip(*rows, strict=True))
    tasks = set(outside.origins["task"])
    yield from config_differences(
        origins[origins["task"].isin(tasks)], measurements[measurements["task"].isin(tasks)], looks
    )
