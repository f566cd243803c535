"""What differs between the policies of a task that should differ only in their objective."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fmbench.report.looks import OF_CATALOGUE, Looks


def config_differences(
    origins: pd.DataFrame, measurements: pd.DataFrame, looks: Looks = OF_CATALOGUE
) -> list[str]:
    """Describe, in one line each, what differs between cells of a task that should agree.

    Args:
        origins: Frame of `OriginRow`.
        measurements: Frame of `MeasurementRow`; may be empty.
        looks: Define which policies belong to the study, their labels and their order.
    """
    shared = [
        rows[rows["policy"].map(looks.is_known).astype(bool)] for rows in (origins, measurements)
    ]
    checks = [
        (origins, "task_hash"),
        (shared[0], "demonstrations_hash"),
        (shared[1], "parameters"),
    ]
    if not _have_equal_rows(shared[1]):
        checks.insert(2, (shared[1], "updates"))
    lines = []
    for task in dict.fromkeys(origins["task"]):
        for rows, field in checks:
            of_task = rows[rows["task"] == task]
            if len(set(of_task[field])) > 1:
                values = of_task.groupby("policy")[field].unique()
                by_policy = "; ".join(
                    f"{looks.label(policy)} "
                    + " and ".join(_format(value) for value in sorted(values[policy]))
                    for policy in sorted(values.index, key=looks.order)
                )
                lines.append(f"{task}: policies differ in {field.replace('_', ' ')}: {by_policy}")
    return lines


def _have_equal_rows(measurements: pd.DataFrame) -> bool:
    """Return whether trainings evaluate equally many rows of the network, to one update."""
    if measurements["rows_per_update"].isna().any():
        return False
    trained = measurements[measurements["rows_per_update"].astype(float) != 0]
    rows = trained["updates"] * trained["rows_per_update"].astype(float)
    return bool(rows.max() - rows.min() <= trained["rows_per_update"].astype(float).max())


def _format(value: object) -> str:
    """Format a value: numbers with thousands separators, hashes shortened."""
    return f"{value:,}" if isinstance(value, int | np.integer) else str(value)[:12] or "none"
