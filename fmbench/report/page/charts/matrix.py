"""Runs of one matrix, in parts: a task on one network each."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence

from fmbench.report.groups import GroupKind, Named, RunGroup, group_alike
from fmbench.report.looks import Looks, backbone_order
from fmbench.report.may_differ import MATRIX
from fmbench.report.outside import is_outside, may_stand_beside
from fmbench.report.page.charts.chart import Axis, Series, level, note_of, titles
from fmbench.report.results import Results
from fmbench.report.shown import ShownRow, short_name, shown_rows
from fmbench.storage.rows import REFERENCES

REFERENCE_NAMES = {"expert": "expert (ceiling)", "random": "random (floor)"}
REFERENCE_COLOURS = {"expert": "#444444", "random": "#999999"}
REFERENCE_DASHES = {"expert": 1, "random": 2}


@dataclasses.dataclass(frozen=True)
class TaskPart:
    """A task on one network.

    Attributes:
        title: The task, and the network where there are several.
        group: The runs.
        note: Why they are not with others, and what has not finished.
        task: The task.
        runs: The runs of the group that have it, on this network.
        rows: Their summaries, with the expert and random actions once.
        looks: Labels, colours and order of all policies of the group.
        colours: Their colours.
    """

    title: str
    group: str
    note: str
    task: str
    runs: tuple[Named, ...]
    rows: tuple[ShownRow, ...]
    looks: Looks
    colours: dict[str, str]


def policies_on_tasks(results: Results) -> Collection[str]:
    """Return in words what no two runs of a matrix may have."""
    rows = results.summary[~results.summary["policy"].isin(REFERENCES)]
    backbone = results.run.config.get("backbone", "")
    pairs = dict.fromkeys(zip(rows["policy"], rows["task"], strict=True))
    return [f"{policy} on {task} with {backbone}" for policy, task in pairs]


KIND = GroupKind(MATRIX, "backbone", "backbone", policies_on_tasks)


def matrix_parts(runs: Sequence[Named], kind: GroupKind = KIND) -> list[TaskPart]:
    """Return the parts of all groups of runs; policies from outside are in every part beside.

    Such a policy has a part of its own where no other run has its task and test episodes, or none
    was measured where it was.

    Args:
        runs: The runs.
        kind: What decides which runs are in one group.
    """
    own = [named for named in runs if not is_outside(named[1])]
    outside = [named for named in runs if is_outside(named[1])]
    groups = group_alike(own, kind)
    parts = [part for group in groups for part in parts_of(group, len(groups) > 1)]
    beside = [_with_outside(part, outside, kind) for part in parts]
    drawn = {name for part in beside for name, _ in part.runs}
    alone = list(_alike_outside([named for named in outside if named[0] not in drawn], kind))
    has_others = len(groups) + len(alone) > 1
    for first, *others in alone:
        own_group = group_alike([first], kind)
        found = [part for group in own_group for part in parts_of(group, has_others)]
        beside += [_with_outside(part, others, kind) for part in found]
    return beside


def _alike_outside(outside: Sequence[Named], kind: GroupKind) -> Iterator[list[Named]]:
    """Yield policies from outside, each with those after it that have met its episodes."""
    waiting = list(outside)
    while waiting:
        first = waiting[0][1]
        alike = [
            named
            for named in waiting
            if any(_is_beside(named[1], first, task, kind) for task in first.run.task_hashes)
        ]
        yield [waiting[0], *(named for named in alike if named is not waiting[0])]
        names = {name for name, _ in alike} | {waiting[0][0]}
        waiting = [named for named in waiting if named[0] not in names]


def _is_beside(outside: Results, first: Results, task: str, kind: GroupKind) -> bool:
    is_alike = kind.measured(outside) == kind.measured(first)
    return is_alike and may_stand_beside(outside, first, task)


def _with_outside(part: TaskPart, outside: Sequence[Named], kind: GroupKind) -> TaskPart:
    """Return a part with the policies from outside that have met its episodes."""
    first = part.runs[0][1]
    added = [named for named in outside if _is_beside(named[1], first, part.task, kind)]
    if not added:
        return part
    runs = (*part.runs, *added)
    looks = Looks(*(results.run for _, results in runs))
    new = [
        row
        for _, results in added
        for row in shown_rows(results)
        if row.task == part.task and row.policy not in REFERENCES
    ]
    rows = (*part.rows, *new)
    names = {row.policy for row in rows} - set(REFERENCES)
    outside_names = [
        name for _, run in runs if is_outside(run) for name in run.run.choice.policy or ()
    ]
    labels = ", ".join(dict.fromkeys(map(looks.label, outside_names)))
    return dataclasses.replace(
        part,
        note=f"{part.note} Trained by other libraries: {labels}; the notes of the leaderboard say "
        "what else differs.".strip(),
        runs=runs,
        rows=rows,
        looks=looks,
        colours=looks.colours(sorted(names, key=looks.order)),
    )


def parts_of(group: RunGroup, has_others: bool) -> Iterator[TaskPart]:
    """Yield the parts of a group, by task and network.

    Args:
        group: The runs.
        has_others: Whether there are further groups, so that it must be named.
    """
    looks = group.looks
    places: dict[tuple[str, str], dict[str, list[ShownRow]]] = {}
    runs = dict(group.runs)
    for name, results in group.runs:
        backbone = str(results.run.config.get("backbone", ""))
        for row in shown_rows(results):
            places.setdefault((row.task, backbone), {}).setdefault(name, []).append(row)
    backbones: dict[str, set[str]] = {}
    for task, backbone in places:
        backbones.setdefault(task, set()).add(backbone)
    tasks = list(backbones)
    policies = {row.policy for named in places.values() for rows in named.values() for row in rows}
    colours = looks.colours(sorted(policies - set(REFERENCES), key=looks.order))
    for task, backbone in sorted(
        places, key=lambda key: (tasks.index(key[0]), *backbone_order(key[1]))
    ):
        named = places[task, backbone]
        of_part = tuple((name, runs[name]) for name in named)
        yield TaskPart(
            titles([short_name(task), backbone * (len(backbones[task]) > 1)]),
            group.label * has_others,
            group_note(group, of_part),
            task,
            of_part,
            tuple(references_once(row for rows in named.values() for row in rows)),
            looks,
            colours,
        )


def references_once(rows: Iterable[ShownRow]) -> Iterator[ShownRow]:
    """Yield rows of a task, those of the expert and of random actions once."""
    seen: set[str] = set()
    for row in rows:
        if row.policy not in seen:
            yield row
        if row.policy in REFERENCES:
            seen.add(row.policy)


def group_note(group: RunGroup, runs: Sequence[Named]) -> str:
    """Return what a reader must know of some runs of a group."""
    lines = [f"Drawn apart from the first runs: {group.difference}."] if group.difference else []
    lines += [f"{name}: {results.unfinished}." for name, results in runs if results.unfinished]
    if any(results.is_smoke for _, results in runs):
        lines.append("A smoke run: its numbers are not results.")
    lines += [f"{line}." for _, results in runs for line in results.caveats[:1]]
    return " ".join(dict.fromkeys(lines))


def reference_levels(rows: Iterable[ShownRow], axis: Axis) -> list[Series]:
    """Return the expert and random actions among the rows of one task as levels.

    Args:
        rows: The rows.
        axis: The horizontal axis.
    """
    found = {row.policy: row for row in reversed(list(rows)) if row.policy in REFERENCES}
    return [
        level(
            REFERENCE_NAMES[name],
            REFERENCE_COLOURS[name],
            axis,
            found[name],
            note_of(found[name].episodes, 0, found[name].interval),
            REFERENCE_DASHES[name],
        )
        for name in REFERENCES
        if name in found
    ]


def row_note(row: ShownRow) -> str:
    """Return the note of a row of a summary."""
    seeds = 0 if row.policy in REFERENCES else row.train_seeds
    text = note_of(row.episodes, seeds, row.interval)
    return text + ", seeds disagree" * row.seeds_disagree
