"""What figures show of a run, however they are drawn: its summary, policies, names of tasks."""

from __future__ import annotations

import pandas as pd

from fmbench.report.results import Results
from fmbench.storage.rows import REFERENCES


def shown_summary(results: Results) -> pd.DataFrame:
    """Return the summary with a column `broken`; a broken cell has an interval without width."""
    summary = results.summary.copy()
    summary["broken"] = [results.is_broken(row) for row in summary.itertuples()]
    for side in ("low", "high"):
        summary[side] = summary[side].where(~summary["broken"], summary["success_rate"])
    return summary


def learned_policies(results: Results) -> list[str]:
    """Return the trained policies of a run in order."""
    names = {*results.summary["policy"], *results.training["policy"]} - set(REFERENCES)
    return sorted(names, key=results.looks.order)


def short_name(task: str) -> str:
    """Drop the namespace of a task id."""
    return task.removeprefix("fmbench/")
