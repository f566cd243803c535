"""Performance profiles: the share of scores above a success rate, over several tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fmbench.report.across_tasks.bootstrap import RESAMPLES
from fmbench.report.across_tasks.table import (
    PROFILE,
    AcrossTasks,
    Method,
    across_tasks_of_runs,
)
from fmbench.report.counted import counted
from fmbench.report.groups import Named, RunGroup, group_alike
from fmbench.report.page.charts.chart import STEPS, Axis, Chart, Panel, Series, numbers, titles
from fmbench.report.page.charts.marks import look_of
from fmbench.report.page.charts.matrix import KIND, group_note
from fmbench.report.row_texts import sampler_label
from fmbench.report.shown import short_name
from fmbench.storage.rows import REFERENCES

MOST_GROUPS = 12
"""Most groups of runs that are resampled: each takes tens of milliseconds a policy."""
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_EVERY = 2
"""Only every so many thresholds are drawn."""


def profiles_chart(runs: Sequence[Named]) -> Chart | None:
    """Return the figure of groups of finished runs with several tasks; None if there is none."""
    finished = [run for run in runs if not run[1].unfinished]
    groups = [group for group in group_alike(finished, KIND) if len(_tasks(group)) > 1]
    # again, because the first of them may differ from what it was compared with
    groups = group_alike([run for group in groups for run in group.runs], KIND)
    panels = tuple(p for group in groups[:MOST_GROUPS] for p in _panels(group, len(groups) > 1))
    if not panels:
        return None
    left_out = len(groups) - MOST_GROUPS
    more = f" Of {len(groups)} groups of runs, only {MOST_GROUPS} are drawn." * (left_out > 0)
    return Chart(
        "profiles",
        "Performance profiles over tasks",
        "Share of scores above each success rate; a score is the success rate of one training seed "
        "on one task, with the headline sampler. The higher a curve, the better; where two cross, "
        "neither policy is better throughout. Bands are 95 % bootstrap intervals, stratified by "
        f"task, of {RESAMPLES:,} resamples; with few training seeds they can be too narrow. "
        f"They are drawn for at most five lines at once.{more}",
        "Success rate",
        "Share of scores above it",
        panels,
        "Runs and network",
        every=5,
    )


def _tasks(group: RunGroup) -> set[str]:
    return {
        task
        for results in group.results
        for task, policy in zip(results.summary["task"], results.summary["policy"], strict=True)
        if policy not in REFERENCES
    }


def _panels(group: RunGroup, has_others: bool) -> Iterator[Panel]:
    looks = group.looks
    across = across_tasks_of_runs(group.results, looks, only_profiles=True)
    if across is None or not across.rows:
        return
    methods = list(dict.fromkeys(row.method for row in across.rows))
    colours = looks.colours(sorted({method.policy for method in methods}, key=looks.order))
    axis = Axis(_TICKS, tuple(f"{tick:g}" for tick in _TICKS), (0.0, 1.0))
    for backbone in dict.fromkeys(method.backbone for method in methods):
        of_backbone = [method for method in methods if method.backbone == backbone]
        series = tuple(
            _series(across, method, looks.label(method.policy), colours[method.policy])
            for method in of_backbone
        )
        tasks = ", ".join(map(short_name, across.tasks))
        left_out = [
            f"Not included: {looks.label(method.policy)} ({reason})."
            for method, reason in across.left_out.items()
            if method.backbone == backbone
        ]
        note = " ".join([group_note(group, group.runs), f"Tasks: {tasks}.", *left_out]).strip()
        title = titles([counted(len(across.tasks), "task"), backbone])
        yield Panel(title, group.label * has_others, note, series, axis)


def _series(across: AcrossTasks, method: Method, name: str, colour: str) -> Series:
    rows = [r for r in across.rows if r.method == method and r.quantity == PROFILE][::_EVERY]
    first = rows[0]
    seeds = counted(first.train_seeds, "training seed")
    note = (
        f"{sampler_label(method.sampler, method.steps)}, {counted(first.tasks, 'task')}, {seeds}, "
        f"n = {counted(first.episodes, 'episode')} of each, bootstrap 95 %"
    )
    return Series(
        name,
        colour,
        numbers([*(row.threshold or 0.0 for row in rows), 1.0], 3),
        numbers([*(row.value for row in rows), 0.0]),
        numbers([*(row.low for row in rows), 0.0]),
        numbers([*(row.high for row in rows), 0.0]),
        (note,),
        STEPS,
        (0, look_of(method.policy)),
    )
