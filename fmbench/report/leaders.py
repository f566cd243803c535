"""Which policies are ahead, in the comparisons of a run."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from fmbench.report.outcomes import SummaryKey
from fmbench.report.verdicts import AHEAD, BEHIND


def leaders(comparisons: pd.DataFrame, not_compared: Collection[SummaryKey] = ()) -> dict[str, str]:
    """Return for each task the policy that is ahead of all others, if any.

    Args:
        comparisons: Frame of `ComparisonRow`.
        not_compared: Headlines left out of them; none can lead where one was left out.
    """
    leader_by_task = {}
    for task, rows in comparisons.groupby("task"):
        if any(cell.task == task for cell in not_compared):
            continue
        for policy in {*rows["policy_a"], *rows["policy_b"]}:
            of_policy = rows[(rows["policy_a"] == policy) | (rows["policy_b"] == policy)]
            if (is_ahead(of_policy) & (of_policy["favours"] == policy)).all():
                leader_by_task[str(task)] = str(policy)
    return leader_by_task


def is_ahead(comparisons: pd.DataFrame) -> pd.Series[bool]:
    """Return for each comparison whether one of its policies is ahead of the other."""
    return comparisons["verdict"].isin([AHEAD, BEHIND])
