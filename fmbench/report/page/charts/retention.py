"""What policies keep under disturbances: a heat map of policies and disturbances."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from fmbench.report.counted import counted
from fmbench.report.disturbances.of_runs import arms_of_runs
from fmbench.report.disturbances.retention import RetentionRow, retention_rows
from fmbench.report.disturbances.retention_text import RATE_MARK, policies_of
from fmbench.report.disturbances.rows import (
    LEAST_EXPERT,
    LEAST_PLAIN,
    AllArms,
    broken_arms,
    disturbances_of,
)
from fmbench.report.disturbances.text import UNRANKED
from fmbench.report.groups import GroupKind, Named, RunGroup, group_alike
from fmbench.report.may_differ import RETENTION
from fmbench.report.page.charts.chart import Chart, Heat, HeatCell, Panel
from fmbench.report.page.charts.matrix import group_note
from fmbench.report.results import Results
from fmbench.report.shown import short_name
from fmbench.storage.rows import REFERENCES

INTERVAL = "95 % interval of a ratio, tasks as strata"


def retention_chart(runs: Sequence[Named]) -> Chart | None:
    """Return the figure of the runs with disturbances; None if there is none."""
    disturbed = [run for run in runs if disturbances_of(run[1]) and not run[1].unfinished]
    groups = group_alike(disturbed, GroupKind(RETENTION, "task", "task", _cells))
    panels = tuple(p for group in groups for p in _panels(group, len(groups) > 1))
    if not panels:
        return None
    return Chart(
        "retention",
        "Retention under disturbances",
        "Retention is the success rate with a disturbance divided by that of the same checkpoints "
        "on the same episodes without; the darker, the less is kept. "
        f"{RATE_MARK}: the rate with the disturbance, where that without is below {LEAST_PLAIN:g}. "
        f"{UNRANKED}: the expert succeeds in less than {100 * LEAST_EXPERT:.0f} % too, so that the "
        "disturbance ranks nobody.",
        "Policy",
        "Retention",
        panels,
        "Tasks",
    )


def _cells(results: Results) -> Collection[str]:
    return {
        f"{policy} on {task} with {text}"
        for text, rows in disturbances_of(results).items()
        for policy, task in set(zip(rows["policy"], rows["task"], strict=True))
        if policy not in REFERENCES
    }


def _panels(group: RunGroup, has_others: bool) -> Iterator[Panel]:
    """Yield a panel over all tasks, and one for each."""
    arms = arms_of_runs(group.results)
    broken = frozenset(each for run in group.results for each in broken_arms(run))
    tasks = list(dict.fromkeys(cell.task for cell, _ in arms))
    note, label = group_note(group, group.runs), group.label * has_others
    parts = {f"over {len(tasks)} tasks": tasks} if len(tasks) > 1 else {}
    for title, of_part in (parts | {short_name(task): [task] for task in tasks}).items():
        chosen = {key: both for key, both in arms.items() if key[0].task in of_part}
        of_broken = frozenset(key for key in broken if key[0].task in of_part)
        if rows := retention_rows(chosen, of_broken):
            yield Panel(title, label, note, heat=_heat(rows, chosen, group))


def _heat(rows: Sequence[RetentionRow], arms: AllArms, group: RunGroup) -> Heat:
    episodes = {
        (cell.policy, cell.sampler, cell.steps, text): min(map(len, both.plain))
        for (cell, text), both in arms.items()
    }
    settings = list(dict.fromkeys(row.perturb for row in rows))
    policies = policies_of(rows, group.looks)
    ranks = {row.perturb: row.ranks for row in rows}
    return Heat(
        tuple(text if ranks[text] else f"{text} {UNRANKED}" for text in settings),
        tuple(map(group.looks.label, policies)),
        tuple(
            _cell(
                row,
                settings.index(row.perturb),
                policies.index(row.policy),
                episodes[row.policy, row.sampler, row.steps, row.perturb],
            )
            for row in rows
        ),
    )


def _cell(row: RetentionRow, line: int, column: int, episodes: int) -> HeatCell:
    seeds = f"{row.train_seeds} training seed{'s' * (row.train_seeds != 1)}"
    note = (
        f"{row.tasks} task{'s' * (row.tasks > 1)}, {seeds if row.train_seeds else 'no seed'} and "
        f"n = {counted(episodes, 'episode')} of each, success {row.disturbed_rate:.3f} with and "
        f"{row.plain_rate:.3f} without"
    )
    if row.retention is None or row.low is None or row.high is None:
        text = f"{row.disturbed_rate:.2f}{RATE_MARK}"
        return HeatCell(line, column, None, text, (f"{text} (a success rate)", "–", note))
    interval = f"{row.low:.3f}–{row.high:.3f}"
    parts = (f"{row.retention:.3f}", interval, f"{note}, {INTERVAL}")
    return HeatCell(line, column, round(min(1.0, row.retention), 3), f"{row.retention:.2f}", parts)
