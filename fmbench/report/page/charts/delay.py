"""Success against the delay of decisions, with every execution of the chunks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from fmbench.report.counted import counted
from fmbench.report.delay.cells import delayed_settings
from fmbench.report.delay.over_tasks import DelayOverTasksRow, over_tasks
from fmbench.report.delay.rows import DelayRow
from fmbench.report.delay.stated import stated_rows
from fmbench.report.delay.text import by_method, by_task
from fmbench.report.groups import GroupKind, Named, RunGroup, group_alike
from fmbench.report.looks import Looks
from fmbench.report.may_differ import DELAY
from fmbench.report.page.charts.chart import Axis, Chart, Panel, Series, finite, note_of, titles
from fmbench.report.page.charts.marks import look_of
from fmbench.report.page.charts.matrix import group_note
from fmbench.report.results import Results
from fmbench.report.row_texts import sampler_label
from fmbench.report.shown import short_name
from fmbench.report.summary import OVER_EPISODES, OVER_SEEDS
from fmbench.storage.rows import HOLD
from policies.catalogue import EXECUTIONS

MOST_LINES = 8
"""Most lines of one panel; more are shown by execution, and then by policy."""
_SPREAD = 0.4
"""Width over which the lines of one delay are spread, as a share of the least gap of delays."""
_MOST_LINEAR = 12
"""Largest delay that is drawn on a linear axis."""
OVER_TASKS = "95 % with tasks as strata"
DelayRows = Sequence[DelayRow] | Sequence[DelayOverTasksRow]


def delay_chart(runs: Sequence[Named]) -> Chart | None:
    """Return the figure of the runs with delays or executions; None if there is none."""
    delayed = [run for run in runs if delayed_settings(run[1])]
    groups = group_alike(delayed, GroupKind(DELAY, "task", "task", _cells))
    panels = tuple(p for group in groups for p in _panels(group, len(groups) > 1))
    if not panels:
        return None
    return Chart(
        "delay",
        "Success against delay",
        "Success rate of every policy with its headline sampler over the delay: control steps from "
        "an observation to the first action decided from it, with its 95 % interval. An execution "
        "says how successive chunks are joined; hold takes each as it is. Points of one delay "
        "are shifted a little so that their intervals can be read.",
        "Delay [control steps]",
        "Success rate",
        panels,
        "Task, execution or policy",
    )


def _cells(results: Results) -> Collection[str]:
    """Return in words what no two runs may have: what `stated_rows` takes of each."""
    stated = results.run.config.get("execution") or [HOLD]
    assert isinstance(stated, list)
    return {
        f"{row.policy} on {row.task} with {setting.execution}, delay {setting.delay}"
        for setting in delayed_settings(results)
        if setting.execution in stated
        for row in results.settings[setting][["policy", "task"]].drop_duplicates().itertuples()
    }


def _panels(group: RunGroup, has_others: bool) -> Iterator[Panel]:
    rows = [row for row in stated_rows(group.results) if row.headline]
    tasks = dict(by_task(rows))
    parts: dict[str, DelayRows] = {}
    if len(tasks) > 1:
        parts[f"over {len(tasks)} tasks"] = over_tasks(rows)
    parts |= {short_name(task): of_task for task, of_task in tasks.items()}
    note, label = group_note(group, group.runs), group.label * has_others
    for title, of_part in parts.items():
        for what, chosen in _choices(of_part, group.looks):
            series, axis = _series(chosen, of_part, group.looks)
            yield Panel(titles([title, what]), label, note, tuple(series), axis)


def _choices(rows: DelayRows, looks: Looks) -> Iterator[tuple[str, DelayRows]]:
    """Yield what of a task is shown at once: all, or an execution, or a policy."""
    if len({(row.policy, row.sampler, row.steps, row.execution) for row in rows}) <= MOST_LINES:
        yield "", rows
        return
    executions = _executions(rows)
    for execution in executions:
        yield f"execution {execution}", [r for r in rows if r.execution == execution]  # type: ignore[misc]
    if len(executions) > 1:
        for policy in sorted({row.policy for row in rows}, key=looks.order):
            yield f"policy {looks.label(policy)}", [r for r in rows if r.policy == policy]  # type: ignore[misc]


def _executions(rows: DelayRows) -> list[str]:
    """Return the executions in the order of the catalogue."""
    present = {row.execution for row in rows}
    return [name for name in [*EXECUTIONS, *sorted(present - set(EXECUTIONS))] if name in present]


def _series(rows: DelayRows, of_part: DelayRows, looks: Looks) -> tuple[list[Series], Axis]:
    """Return a line for every policy and execution.

    Args:
        rows: What is shown at once.
        of_part: All rows of the task, so that looks and axis do not depend on what is shown.
        looks: Labels, colours and order of policies.
    """
    delays = sorted({row.delay for row in of_part})
    places = np.array([_place(delay, delays[-1]) for delay in delays])
    gap = float(np.min(np.diff(places))) if len(places) > 1 else 1.0
    policies = sorted({row.policy for row in of_part}, key=looks.order)
    colours, executions = looks.colours(policies), [*EXECUTIONS, *_executions(of_part)]
    lines = by_method(rows)  # type: ignore[arg-type]
    series = []
    for lane, line in enumerate(lines):
        points = [line[delay] for delay in sorted(line)]
        shift = _SPREAD * gap * ((lane + 0.5) / len(lines) - 0.5)
        first = points[0]
        series.append(
            Series(
                titles([looks.label(first.policy), first.execution]),
                colours[first.policy],
                tuple(round(_place(p.delay, delays[-1]) + shift, 4) for p in points),
                tuple(round(p.success_rate, 6) for p in points),
                finite(p.low for p in points),
                finite(p.high for p in points),
                tuple(f"{sampler_label(p.sampler, p.steps)}, {_note(p)}" for p in points),
                look=(look_of(first.policy), executions.index(first.execution)),
                at=tuple(float(p.delay) for p in points),
                broken=tuple(i for i, p in enumerate(points) if p.low is None),
            )
        )
    ticks = _ticks(places.tolist())
    labels = tuple(str(delays[i]) for i in ticks)
    sides = (float(places[0]) - 0.6 * gap, float(places[-1]) + 0.6 * gap)
    return series, Axis(tuple(float(places[i]) for i in ticks), labels, sides)


def _place(delay: int, most: int) -> float:
    """Return the place of a delay: itself, or its logarithm if some are large."""
    return float(delay) if most <= _MOST_LINEAR else float(np.log2(1 + delay))


def _ticks(places: Sequence[float]) -> list[int]:
    """Return which places are labelled: not those too near the one before."""
    least = 0.06 * (places[-1] - places[0])
    shown: list[int] = []
    for i, place in enumerate(places):
        if not shown or place - places[shown[-1]] >= least:
            shown.append(i)
    return shown


def _note(row: DelayRow | DelayOverTasksRow) -> str:
    if isinstance(row, DelayOverTasksRow):
        seeds = counted(row.train_seeds, "training seed")
        return f"mean of {counted(row.tasks, 'task')}, {seeds} of each, {OVER_TASKS}"
    kind = OVER_EPISODES if row.train_seeds == 1 else OVER_SEEDS
    return note_of(row.episodes, row.train_seeds, kind) + ", seeds disagree" * row.seeds_disagree
