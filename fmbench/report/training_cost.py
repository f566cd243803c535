"""Cost of training in updates and in rows of the network, as tables and lines."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from fmbench.report.looks import Looks
from fmbench.report.markup import markdown_table
from fmbench.report.results import Results

NOTE = (
    "Network rows per window: rows of the network that an update evaluates for each window of its"
    " batch, counted at the network; a flow has 1. Rows without a gradient and rows of averaged"
    " weights or of a teacher count, and a row with a derivative in forward mode counts twice. The"
    " training of a teacher is listed by itself."
)
_HEADER = (
    "Task",
    "Policy",
    "Updates",
    "Network rows per window",
    "Updates x rows",
    "Updates of the teacher",
    "Training time of one seed",
)


def training_costs(measurements: pd.DataFrame, looks: Looks) -> list[Any]:
    """Return task, policy, updates, rows, updates of the teacher and seconds of each policy.

    Args:
        measurements: Frame of `MeasurementRow`.
        looks: Define the order of the policies.

    Returns:
        One named tuple per task and policy whose rows were counted; times are means over seeds.
    """
    counted = measurements.dropna(subset=["rows_per_update"]).astype({"training_time_s": float})
    if counted.empty:
        return []
    names = ["updates", "rows_per_update", "teacher_updates", "training_time_s"]
    means = counted.groupby(["task", "policy"], sort=False)[names].mean().reset_index()
    tasks = list(dict.fromkeys(means["task"]))
    return sorted(
        means.itertuples(index=False),
        key=lambda row: (tasks.index(row.task), looks.order(str(row.policy))),
    )


def training_cost_table(results: Results) -> str:
    """Return the cost of training of every policy as a table; empty if no rows were counted."""
    body = [
        [
            str(row.task),
            results.looks.label(str(row.policy)),
            f"{row.updates:,.0f}",
            f"{row.rows_per_update:g}",
            f"{row.updates * row.rows_per_update:,.0f}",
            f"{row.teacher_updates:,.0f}" if row.teacher_updates else "–",
            "–" if math.isnan(row.training_time_s) else f"{row.training_time_s:.0f} s",
        ]
        for row in training_costs(results.measurements, results.looks)
    ]
    return markdown_table(_HEADER, body) if body else ""


def training_cost_line(results: Results, task: str) -> str:
    """Return the rows of each policy in one line; empty if each has one, or none was counted."""
    costs = [row for row in training_costs(results.measurements, results.looks) if row.task == task]
    if all(row.rows_per_update in (0, 1) and not row.teacher_updates for row in costs):
        return ""
    texts = [
        f"{results.looks.label(str(row.policy))} {row.updates:,.0f} x {row.rows_per_update:g}"
        + (f" + {row.teacher_updates:,.0f} of its teacher" if row.teacher_updates else "")
        for row in costs
        if row.rows_per_update
    ]
    return f"updates x network rows per window: {', '.join(texts)}"
