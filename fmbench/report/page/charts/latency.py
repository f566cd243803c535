"""Success against the latency of a decision, with the Pareto front."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from fmbench.report.groups import Named
from fmbench.report.looks import backbone_order
from fmbench.report.page.charts.chart import (
    FRONT,
    POINTS,
    Axis,
    Chart,
    Panel,
    Series,
    finite,
    numbers,
    titles,
)
from fmbench.report.page.charts.matrix import (
    KIND,
    TaskPart,
    matrix_parts,
    reference_levels,
    row_note,
)
from fmbench.report.pareto import pareto_front
from fmbench.report.results import Results
from fmbench.report.row_texts import sampler_label
from fmbench.report.shown import ShownRow, short_name
from fmbench.storage.rows import REFERENCES

_TICKS = tuple(digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5))
FRONT_NAME, FRONT_COLOUR = "Pareto front", "#555555"


def latency_chart(runs: Sequence[Named]) -> Chart | None:
    """Return the figure of the runs with latencies; None if there is none.

    Runs on different machines are not drawn together. Policies from outside are in the panels of
    the others, as far as they have the same episodes and were measured on the same machine.
    """
    timed = [run for run in runs if run[1].summary["latency_ms_p95"].notna().any()]
    panels = tuple(_panels(matrix_parts(timed, dataclasses.replace(KIND, measured=_machine))))
    if not panels:
        return None
    return Chart(
        "latency",
        "Success against latency",
        "Success rate of every policy, network, sampler and number of steps over the 95th "
        "percentile of the time of one decision, with its 95 % interval. A marker is a network. "
        "Rings and the stepped line mark the Pareto front: no other point is both as fast and as "
        "successful. It follows from the rates alone, not from their intervals.",
        "Latency, 95th percentile [ms]",
        "Success rate",
        panels,
    )


def _panels(found: Sequence[TaskPart]) -> Iterator[Panel]:
    """Yield a panel for every group and task, with all networks."""
    together: dict[tuple[str, str], list[TaskPart]] = {}
    for part in found:
        together.setdefault((part.group, part.task), []).append(part)
    for parts in together.values():
        if panel := _panel(parts):
            yield panel


def _panel(parts: Sequence[TaskPart]) -> Panel | None:
    part, timed = max(parts, key=lambda part: len(part.colours)), _timed(parts)
    if not timed:
        return None
    latencies = [row.latency_ms_p95 for _, row in timed]
    axis = _axis(min(latencies), max(latencies))
    methods = sorted(
        {(row.policy, backbone) for backbone, row in timed},
        key=lambda method: (part.looks.order(method[0]), backbone_order(method[1])),
    )
    series = [
        _series([row for where, row in timed if (row.policy, where) == (policy, backbone)], part,
                policy, backbone)
        for policy, backbone in methods
    ]  # fmt: skip
    if sound := [row for _, row in timed if not row.broken]:
        series.append(_front(sound))
    series += reference_levels((row for each in parts for row in each.rows), axis)
    notes = dict.fromkeys(each.note for each in parts if each.note)
    note = " ".join([*notes, f"Measured on {_machine(part.runs[0][1])}."])
    return Panel(short_name(part.task), part.group, note, tuple(series), axis)


def _timed(parts: Sequence[TaskPart]) -> list[tuple[str, ShownRow]]:
    """Return the rows of trained policies with a latency, each with its network.

    A policy from outside is in every part, and here once.
    """
    found: dict[tuple[str, ShownRow], None] = {}
    for part in parts:
        networks = {
            policy: str(results.run.config.get("backbone", ""))
            for _, results in part.runs
            for policy in set(results.summary["policy"])
        }
        for row in part.rows:
            if row.policy not in REFERENCES and row.latency_ms_p95 == row.latency_ms_p95:
                found[networks[row.policy], row] = None
    return list(found)


def _series(found: Sequence[ShownRow], part: TaskPart, policy: str, backbone: str) -> Series:
    rows = sorted(found, key=lambda row: row.latency_ms_p95)
    notes = tuple(
        f"{sampler_label(row.sampler, row.steps)}, NFE {row.nfe:.4g}, "
        f"median {row.latency_ms_p50:.3g} ms, {row_note(row)}"
        for row in rows
    )
    return Series(
        titles([part.looks.label(policy), backbone]),
        part.colours[policy],
        numbers(row.latency_ms_p95 for row in rows),
        numbers(row.success_rate for row in rows),
        finite(row.low for row in rows),
        finite(row.high for row in rows),
        notes,
        POINTS,
        (backbone_order(backbone)[0], 0),
        broken=tuple(place for place, row in enumerate(rows) if row.broken),
    )


def _front(rows: Sequence[ShownRow]) -> Series:
    """Return the front of the rows, as steps."""
    places = pareto_front([r.latency_ms_p95 for r in rows], [r.success_rate for r in rows])
    x = numbers(rows[place].latency_ms_p95 for place in places)
    y = numbers(rows[place].success_rate for place in places)
    none = (None,) * len(x)
    return Series(FRONT_NAME, FRONT_COLOUR, x, y, none, none, ("on the front",), FRONT, (0, 3))


def _machine(results: Results) -> str:
    """Return in words where a run was measured."""
    machine = results.run.machine
    cores = f"{machine['cores']} cores" if "cores" in machine else ""
    device = str(results.run.config.get("device") or "")
    return titles([str(machine.get("processor", "")), cores, device]) or "an unknown machine"


def _axis(least: float, most: float) -> Axis:
    sides = (least / 1.5, most * 1.5)
    ticks = tuple(tick for tick in _TICKS if sides[0] <= tick <= sides[1])
    return Axis(ticks, tuple(f"{tick:g}" for tick in ticks), sides, is_log=True)
