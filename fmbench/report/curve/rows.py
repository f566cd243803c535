"""Rows of a data curve: headline rows of each run, with its number of demonstrations."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from fmbench.report.leaders import is_ahead
from fmbench.report.results import Results
from fmbench.report.summary import shared_values
from fmbench.storage.rows import REFERENCES, Row


@dataclasses.dataclass(frozen=True)
class CurveRow(Row):
    """One task, policy and number of demonstrations, at the policy's headline sampler."""

    file_name: ClassVar[str] = "data_curve.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "policy", "demos")

    task: str
    policy: str
    demos: int
    """0 for the expert and for random actions."""
    sampler: str
    steps: int
    train_seeds: int
    episodes: int
    success_rate: float
    low: float
    high: float
    is_ahead_of: str
    """Policies of the same run that it is ahead of."""


def curve_rows(results: Results) -> list[CurveRow]:
    """Return the rows of one run."""
    ahead: dict[tuple[str, str], list[str]] = {}
    for pair in results.comparisons[is_ahead(results.comparisons)].to_dict("records"):
        worse = pair["policy_b"] if pair["favours"] == pair["policy_a"] else pair["policy_a"]
        ahead.setdefault((pair["task"], pair["favours"]), []).append(worse)
    rows = []
    for row in results.summary.to_dict("records"):
        if not row["headline"]:
            continue
        demos = _demos(results, row["policy"])
        worse_policies = ", ".join(sorted(ahead.get((row["task"], row["policy"]), [])))
        shared = shared_values(row, CurveRow)
        rows.append(CurveRow(**shared, demos=demos, is_ahead_of=worse_policies))
    return rows


def summary_key(results: Results, row: Any) -> tuple[object, ...] | None:
    """Return the key of the curve row of one row of a run's summary; None if it has none."""
    if not row.headline:
        return None
    return row.task, row.policy, _demos(results, row.policy)


def _demos(results: Results, policy: str) -> int:
    """Return the number of demonstrations of a policy of a run; 0 for the references."""
    return 0 if policy in REFERENCES else results.run.choice.demos or 0
