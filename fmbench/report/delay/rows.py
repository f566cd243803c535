"""Rows of `delays.csv`: success, smoothness and cost of every delay and execution of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from fmbench.report.caveats import broken_cells
from fmbench.report.delay.cells import (
    Acted,
    DelayedOutcomes,
    delayed_outcomes,
    delayed_settings,
)
from fmbench.report.delay.latencies import NOT_TIMED, decision_delay_of, latencies_of
from fmbench.report.outcomes import CELL, Columns, SummaryKey
from fmbench.report.results import Results
from fmbench.report.same_checkpoints import Change, compare_conditions
from fmbench.report.settings_split import PLAIN
from fmbench.report.summary import interval_of
from fmbench.report.verdicts import Verdict, verdict_of
from fmbench.storage.rows import Row
from policies.catalogue import EXECUTIONS

THIS, PLAIN_CELL = "this", "plain"
"""Values of `DelayRow.favours`."""


@dataclasses.dataclass(frozen=True)
class DelayRow(Row):
    """One cell of the summary with one execution and one delay."""

    file_name: ClassVar[str] = "delays.csv"
    key: ClassVar[tuple[str, ...]] = (*CELL, "execution", "delay")

    task: str
    policy: str
    sampler: str
    steps: int
    execution: str
    """How successive chunks are joined; `hold` takes each as it is."""
    delay: int
    """Control steps from an observation to the first action decided from it."""
    headline: bool
    train_seeds: int
    episodes: int
    success_rate: float
    """With several training seeds the mean of the seed means, like all means here."""
    low: float | None
    """Lower bound of its 95 % interval; None of a broken cell."""
    high: float | None
    seed_rates: str
    """Success rate of each training seed, in seed order."""
    seeds_disagree: bool
    """Whether the seeds differ by more than the interval was tested for."""
    difference: float | None
    """Success rate minus that of the plain cell; None of the plain cell itself, of broken cells, of
    unfinished runs and without a common episode, like all of the comparison."""
    difference_low: float | None
    """Lower bound of its 95 % interval."""
    difference_high: float | None
    p: float | None
    p_holm: float | None
    """p adjusted over the table."""
    verdict: str
    """A word of `fmbench.report.verdicts`, said of this cell against the plain one; or empty."""
    favours: str
    """`this` cell or the `plain` one, the one that is ahead or non-inferior; or empty."""
    within_margin: bool
    """Whether one is ahead by less than the margin, at most."""
    nfe: float
    boundary_jump: float | None
    """Mean distance of a chunk's first executed action from the previous chunk's action for the
    same control step; None where no chunk reached its successor."""
    boundary_jump_ratio: float | None
    """The same, divided by that of the plain cell."""
    jerk: float | None
    """Mean absolute third difference of the commands."""
    jerk_ratio: float | None
    latency_ms_p50: float | None
    """Of a decision with this execution, of the first training seed; None if it was not timed."""
    latency_ms_p95: float | None
    latency_delay: int
    """Control steps that `latency_ms_p95` takes, or `--latency-ms` where that was given, at least
    1; 0 if there is no latency or `run.json` states no control period."""
    unstable: int
    errors: int
    complete: bool
    """Whether it has all training seeds and episodes of the plain cells."""

    @property
    def is_plain(self) -> bool:
        """Whether it is the plain cell."""
        return self.delay == PLAIN.delay and self.execution == PLAIN.execution

    @property
    def is_at_latency(self) -> bool:
        """Whether its delay is the one that the latency of its decisions means."""
        return self.latency_delay > 0 and self.delay == self.latency_delay

    @property
    def method(self) -> tuple[str, str, int, str]:
        """What has one line in tables and figures: policy, sampler, steps and execution."""
        return self.policy, self.sampler, self.steps, self.execution


def delay_rows(results: Results) -> list[DelayRow]:
    """Return the rows of a run; none if no policy acted with a delay or another execution.

    Tasks are in order of appearance; in each, headlines come first, and rows are in the order of
    policies, samplers, steps, executions and delays.

    Args:
        results: The run, finished or not. Differences are only computed of a finished one.
    """
    if not delayed_settings(results):
        return []
    found = delayed_outcomes(results)
    seeds = found.outcomes.seeds_by_cell()
    broken = broken_cells(found.outcomes)
    compared = {} if results.unfinished else _compared(found, broken)
    latencies, decision_delay = latencies_of(results), decision_delay_of(results)
    headlines = _headlines(results)
    most = max(len(columns["episodes"]) for columns in seeds.values())
    planned = results.run.choice.seeds if results.unfinished else None
    rows = []
    for one in found.acted:
        plain = found.smoothness.get(Acted(one.cell, PLAIN).key, {})
        latency = latencies.get((*one.cell, one.setting.execution), NOT_TIMED)
        rows.append(
            DelayRow(
                **one.cell._asdict(),
                execution=one.setting.execution,
                delay=one.setting.delay,
                headline=one.cell in headlines,
                **_success(seeds[one.key], one.key in broken),
                **_difference(compared.get(one.key), results.margin),
                **_smoothness(found.smoothness[one.key], plain),
                latency_ms_p50=latency.p50,
                latency_ms_p95=latency.p95,
                latency_delay=decision_delay(one.cell.task, latency.p95),
                complete=_is_complete(
                    seeds[one.key], found.outcomes.tasks[one.cell.task], planned or most
                ),
            )
        )
    return sorted(rows, key=_order(results))


def _headlines(results: Results) -> set[SummaryKey]:
    rows = results.summary[results.summary["headline"]]
    return {SummaryKey(*cell) for cell in rows[CELL].itertuples(index=False)}


def _compared(
    found: DelayedOutcomes, broken: frozenset[SummaryKey]
) -> dict[SummaryKey, Change | None]:
    """Compare every cell with the plain one of the same policy, sampler and steps."""
    pairs = [
        (one.key, plain)
        for one in found.acted
        if (plain := Acted(one.cell, PLAIN).key) in found.outcomes.solved
        and one.setting != PLAIN
        and broken.isdisjoint((one.key, plain))
    ]
    compared = compare_conditions(found.outcomes, pairs)
    return {key: change for (key, _), change in zip(pairs, compared, strict=True)}


def _success(seeds: Columns, is_broken: bool) -> dict[str, Any]:
    """Return rate and counts of a cell, given its rows of `Outcomes.by_seed`."""
    low, high, disagree = interval_of(seeds)
    return {
        "train_seeds": len(seeds["episodes"]),
        "episodes": int(seeds["episodes"].sum()),
        "success_rate": float(seeds["success"].mean()),
        "low": None if is_broken else low,
        "high": None if is_broken else high,
        "seed_rates": " ".join(repr(float(rate)) for rate in seeds["success"]),
        "seeds_disagree": disagree,
        "nfe": float(seeds["nfe"].mean()),
        "unstable": int(seeds["unstable"].sum()),
        "errors": int(seeds["errors"].sum()),
    }


def _is_complete(seeds: Columns, episodes: int, train_seeds: int) -> bool:
    return len(seeds["episodes"]) == train_seeds and bool(
        (seeds["episode_seeds"] == episodes).all()
    )


def _difference(change: Change | None, margin: float) -> dict[str, Any]:
    """Return the fields of a comparison with the plain cell."""
    verdict = verdict_of(change.low, change.high, change.p_holm, margin) if change else Verdict("")
    return {
        "verdict": verdict.word,
        "favours": {1: THIS, -1: PLAIN_CELL}.get(verdict.favours, ""),
        "within_margin": verdict.within_margin,
        "difference": change and change.difference,
        "difference_low": change and change.low,
        "difference_high": change and change.high,
        "p": change and change.p,
        "p_holm": change and change.p_holm,
    }


def _smoothness(means: Columns, plain: Columns) -> dict[str, Any]:
    """Return the smoothness of a cell, and its ratio to that of the plain one."""
    values: dict[str, Any] = {}
    for name, of_seeds in means.items():
        value, base = _mean(of_seeds), _mean(plain[name]) if plain else None
        values[name] = value
        values[f"{name}_ratio"] = value / base if value is not None and base else None
    return values


def _mean(values: Any) -> float | None:
    """Return the mean of the seeds that have a value; None if none has."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _order(results: Results) -> Callable[[DelayRow], tuple[object, ...]]:
    """Return the sort key of the table."""
    tasks = list(dict.fromkeys(results.summary["task"]))
    names = list(EXECUTIONS)

    def place(row: DelayRow) -> tuple[object, ...]:
        known = row.execution in names
        execution = (names.index(row.execution) if known else len(names), row.execution)
        policy = results.looks.order(row.policy)
        method = (not row.headline, policy, row.sampler, row.steps)
        return (tasks.index(row.task), *method, execution, row.delay)

    return place
