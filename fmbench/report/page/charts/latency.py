"""Success against the latency of a decision, with the Pareto front."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import pandas as pd

from fmbench.report.groups import Group, Named, group_alike
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
    Part,
    parts_of,
    reference_levels,
    row_note,
    rows_in,
)
from fmbench.report.pareto import pareto_front
from fmbench.report.results import Results
from fmbench.report.row_texts import sampler_label
from fmbench.report.shown import short_name
from fmbench.storage.rows import REFERENCES

_TICKS = tuple(digit * 10.0**power for power in range(-3, 6) for digit in (1, 2, 5))
FRONT_NAME, FRONT_COLOUR = "Pareto front", "#555555"


def latency_chart(runs: Sequence[Named]) -> Chart | None:
    """Return the figure of the runs with latencies; None if there is none.

    Runs on different machines are not drawn together.
    """
    timed = [run for run in runs if run[1].summary["latency_ms_p95"].notna().any()]
    groups = group_alike(timed, dataclasses.replace(KIND, measured=_machine))
    panels = tuple(p for group in groups for p in _panels(group, len(groups) > 1))
    if not panels:
        return None
    return Chart(
        "latency",
        "Success against latency",
        "Success rate of every policy, network, sampler and number of steps over the 95th "
        "percentile of the time of one decision, with its 95 % interval. A marker is a network. "
        "Rings and the stepped line mark the Pareto front: no other point is both as fast and as successful. It follows "
        "from the rates alone, not from their intervals.",
        "Latency, 95th percentile [ms]",
        "Success rate",
        panels,
    )


def _panels(group: Group, has_others: bool) -> Iterator[Panel]:
    """Yield a panel for every task, with all networks."""
    by_task: dict[str, list[Part]] = {}
    for part in parts_of(group, has_others):
        by_task.setdefault(part.task, []).append(part)
    for parts in by_task.values():
        if panel := _panel(parts):
            yield panel


def _panel(parts: Sequence[Part]) -> Panel | None:
    part, table = parts[0], _timed(parts)
    if table.empty:
        return None
    latency = table["latency_ms_p95"]
    axis = _axis(float(latency.min()), float(latency.max()))
    policies = sorted(set(table["policy"]), key=part.looks.order)
    backbones = sorted(set(table["backbone"]), key=backbone_order)
    series = [
        _series(rows, part, str(policy), str(backbone))
        for policy in policies
        for backbone in backbones
        if len(rows := table[(table["policy"] == policy) & (table["backbone"] == backbone)])
    ]
    sound = table[~table["broken"]]
    if len(sound):
        series.append(_front(sound))
    references = pd.concat([each.table for each in parts]).drop_duplicates("policy")
    series += reference_levels(references[references["policy"].isin(REFERENCES)], axis)
    note = " ".join(dict.fromkeys(filter(None, (each.note for each in parts))))
    note = " ".join(filter(None, (note, f"Measured on {_machine(part.runs[0][1])}.")))
    return Panel(short_name(part.task), part.group, note, tuple(series), axis)


def _timed(parts: Sequence[Part]) -> pd.DataFrame:
    """Return the rows of trained policies with a latency, with their network."""
    tables = [
        part.table.assign(backbone=str(part.runs[0][1].run.config.get("backbone", "")))
        for part in parts
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[~table["policy"].isin(REFERENCES) & table["latency_ms_p95"].notna()]


def _series(rows: pd.DataFrame, part: Part, policy: str, backbone: str) -> Series:
    rows = rows.sort_values("latency_ms_p95", kind="stable")
    notes = tuple(
        f"{sampler_label(row.sampler, row.steps)}, NFE {row.nfe:.4g}, "
        f"median {row.latency_ms_p50:.3g} ms, {row_note(row)}"
        for row in rows_in(rows)
    )
    return Series(
        titles([part.looks.label(policy), backbone]),
        part.colours[policy],
        numbers(rows["latency_ms_p95"]),
        numbers(rows["success_rate"]),
        finite(rows["low"]),
        finite(rows["high"]),
        notes,
        POINTS,
        (backbone_order(backbone)[0], 0),
        broken=tuple(place for place, broken in enumerate(rows["broken"]) if broken),
    )


def _front(rows: pd.DataFrame) -> Series:
    """Return the front of the rows, as steps."""
    front = rows.iloc[pareto_front(rows["latency_ms_p95"], rows["success_rate"])]
    x, y = numbers(front["latency_ms_p95"]), numbers(front["success_rate"])
    none = (None,) * len(x)
    return Series(FRONT_NAME, FRONT_COLOUR, x, y, none, none, ("on the front",), FRONT, (0, 1))


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
