"""Rows of a matrix of runs: the summary of each run, with its backbone and diagnostics."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from fmbench.report.bridge_rates import bridge_rates
from fmbench.report.outcomes import CELL, SummaryKey
from fmbench.report.results import Results
from fmbench.report.summary import shared_values
from fmbench.report.training_cost import training_costs
from fmbench.storage.rows import REFERENCES, Row

_COSTS = ("updates", "rows_per_update", "teacher_updates")


@dataclasses.dataclass(frozen=True)
class SuccessRow(Row):
    """One task, backbone, policy, sampler and number of steps, over all training seeds."""

    file_name: ClassVar[str] = "matrix.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "backbone", "policy", "sampler", "steps")

    task: str
    backbone: str
    """Empty for the expert and for random actions."""
    policy: str
    sampler: str
    steps: int
    nfe: float
    train_seeds: int
    episodes: int
    success_rate: float
    low: float
    high: float
    seed_rates: str
    modes: str
    parameters: float | None
    chunk_distance: float | None
    nearest_chunk_distance: float | None
    straightness: float | None
    updates: float | None = None
    rows_per_update: float | None = None
    """Rows of the network in an update, per window of its batch."""
    teacher_updates: float | None = None


@dataclasses.dataclass(frozen=True)
class MatrixRow(SuccessRow):
    """The same with the bridge rate; a matrix without bridge rates does not have its columns."""

    bridge_rate: float | None = None
    bridge_low: float | None = None
    bridge_high: float | None = None
    minor_way: float | None = None
    expert_bridge_rate: float | None = None


_BRIDGES = [f.name for f in dataclasses.fields(MatrixRow)][len(dataclasses.fields(SuccessRow)) :]


def row_type_of(rows: Sequence[MatrixRow]) -> type[SuccessRow]:
    """Return the type with the columns of a matrix."""
    return MatrixRow if any(row.bridge_rate is not None for row in rows) else SuccessRow


def matrix_rows(results: Results) -> list[MatrixRow]:
    """Return the rows of one run."""
    costs = {
        (row.task, row.policy): row for row in training_costs(results.measurements, results.looks)
    }
    names = ["chunk_distance", "nearest_chunk_distance", "straightness"]
    means = results.diagnostics.astype(dict.fromkeys(names, float)).groupby(CELL)[names].mean()
    rates = bridge_rates(results.diagnostics)
    rows = []
    for row in results.summary.to_dict("records"):
        cell = tuple(row[name] for name in CELL)
        measured = means.loc[cell].to_dict() if cell in means.index else {}
        diagnostics: dict[str, Any] = {name: _or_none(measured.get(name)) for name in means.columns}
        row["parameters"] = _or_none(row["parameters"])
        shared = shared_values(row, MatrixRow)
        if cost := costs.get((row["task"], row["policy"])):
            shared |= {name: float(getattr(cost, name)) for name in _COSTS}
        if rate := rates.get(SummaryKey(*cell)):
            numbers = (rate.rate, rate.low, rate.high, rate.minor_way, rate.expert)
            diagnostics |= zip(_BRIDGES, map(_or_none, numbers), strict=True)
        backbone = _backbone(results, row["policy"])
        rows.append(MatrixRow(backbone=backbone, **shared, **diagnostics))
    return rows


def summary_key(results: Results, row: Any) -> tuple[object, ...]:
    """Return the key of the matrix row of one row of a run's summary."""
    return row.task, _backbone(results, row.policy), row.policy, row.sampler, row.steps


def _backbone(results: Results, policy: str) -> str:
    """Return the backbone of a policy of a run; empty for the references."""
    return "" if policy in REFERENCES else str(results.run.config["backbone"])


def _or_none(value: float | None) -> float | None:
    """Return a number, or None if it was not measured."""
    return None if value is None or value != value else float(value)
