"""Success against the number of demonstrations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from fmbench.report.curve.rows import CurveRow, curve_rows
from fmbench.report.groups import GroupKind, Named, RunGroup, group_alike
from fmbench.report.looks import Looks
from fmbench.report.may_differ import CURVE
from fmbench.report.outcomes import SummaryKey
from fmbench.report.page.charts.chart import Axis, Chart, Panel, Series, level, note_of
from fmbench.report.page.charts.marks import look_of
from fmbench.report.page.charts.matrix import (
    REFERENCE_COLOURS,
    REFERENCE_DASHES,
    REFERENCE_NAMES,
    group_note,
)
from fmbench.report.results import Results
from fmbench.report.row_texts import sampler_label
from fmbench.report.shown import short_name
from fmbench.report.summary import OVER_EPISODES, OVER_SEEDS
from fmbench.storage.rows import REFERENCES

_SPREAD = 1.04
"""Factor between the positions of policies that have one number of demonstrations."""


def demonstrations_chart(runs: Sequence[Named]) -> Chart | None:
    """Return the figure; None if no task was learnt from two numbers of demonstrations."""
    if len({results.run.config.get("demos") for _, results in runs} - {None}) < 2:
        return None
    kind = GroupKind(CURVE, "demos", "number of demonstrations", _cells)
    groups = [group for group in group_alike(runs, kind) if any(_panels(group))]
    # again, because the first of them may differ from what it was compared with
    groups = group_alike([run for group in groups for run in group.runs], kind)
    found = [(group, panel) for group in groups for panel in _panels(group)]
    if not found:
        return None
    several = len({id(group) for group, _ in found}) > 1
    return Chart(
        "demonstrations",
        "Success against demonstrations",
        "Success rate of every policy with its headline sampler over the number of demonstrations "
        "that it learnt from, with its 95 % interval. The expert and random actions are horizontal "
        "lines.",
        "Demonstrations",
        "Success rate",
        tuple(
            Panel(p.title, group.label * several, p.note, p.series, p.axis) for group, p in found
        ),
    )


def _cells(results: Results) -> Collection[str]:
    rows = results.summary[~results.summary["policy"].isin(REFERENCES)]
    demos = results.run.choice.demos
    pairs = dict.fromkeys(zip(rows["policy"], rows["task"], strict=True))
    return [f"{policy} on {task} with {demos} demonstrations" for policy, task in pairs]


def _panels(group: RunGroup) -> Iterator[Panel]:
    rows = [row for results in group.results for row in curve_rows(results)]
    broken = {cell for results in group.results for cell in _broken(results)}
    looks, note = group.looks, group_note(group, group.runs)
    for task in dict.fromkeys(row.task for row in rows):
        of_task = [row for row in rows if row.task == task]
        if len({row.demos for row in of_task if row.policy not in REFERENCES}) > 1:
            yield _panel(task, of_task, broken, looks, note)


def _panel(
    task: str,
    rows: Sequence[CurveRow],
    broken: Collection[tuple[SummaryKey, int]],
    looks: Looks,
    note: str,
) -> Panel:
    counts = sorted({row.demos for row in rows if row.policy not in REFERENCES})
    axis = Axis(
        tuple(map(float, counts)),
        tuple(map(str, counts)),
        (counts[0] / 1.4, counts[-1] * 1.4),
        True,
    )
    policies = sorted({row.policy for row in rows} - set(REFERENCES), key=looks.order)
    colours = looks.colours(policies)
    series = []
    for place, policy in enumerate(policies):
        points = sorted((r for r in rows if r.policy == policy), key=lambda row: row.demos)
        shift = _SPREAD ** (place - (len(policies) - 1) / 2)
        cells = [(SummaryKey(r.task, r.policy, r.sampler, r.steps), r.demos) for r in points]
        series.append(
            Series(
                looks.label(policy),
                colours[policy],
                tuple(round(row.demos * shift, 3) for row in points),
                tuple(row.success_rate for row in points),
                tuple(row.low for row in points),
                tuple(row.high for row in points),
                tuple(f"{sampler_label(r.sampler, r.steps)}, {_note(r)}" for r in points),
                look=(look_of(policy), 0),
                at=tuple(float(row.demos) for row in points),
                broken=tuple(place for place, cell in enumerate(cells) if cell in broken),
            )
        )
    references = {row.policy: row for row in rows if row.policy in REFERENCES}
    series += [
        level(
            REFERENCE_NAMES[name], REFERENCE_COLOURS[name], axis, references[name],
            note_of(references[name].episodes, 0, OVER_EPISODES), REFERENCE_DASHES[name],
        )
        for name in REFERENCES
        if name in references
    ]  # fmt: skip
    return Panel(short_name(task), "", note, tuple(series), axis)


def _broken(results: Results) -> Iterator[tuple[SummaryKey, int]]:
    for cell in results.broken:
        yield cell, results.run.choice.demos or 0


def _note(row: CurveRow) -> str:
    kind = OVER_EPISODES if row.train_seeds == 1 else OVER_SEEDS
    return note_of(row.episodes, row.train_seeds, kind)
