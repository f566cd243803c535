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
    left_out = {cell.task for cell in not_compared}
    by_task: dict[str, list[tuple[str, str, str]]] = {}
    columns = (comparisons[name] for name in ("task", "policy_a", "policy_b", "favours", "verdict"))
    for task, a, b, favours, verdict in zip(*columns, strict=True):
        ahead = str(favours) if verdict in (AHEAD, BEHIND) else ""
        by_task.setdefault(str(task), []).append((str(a), str(b), ahead))
    leader_by_task = {}
    for task, pairs in sorted(by_task.items()):
        for policy in (
            {policy for *pair, _ in pairs for policy in pair} if task not in left_out else ()
        ):
            if all(ahead == policy for *pair, ahead in pairs if policy in pair):
                leader_by_task[task] = policy
    return leader_by_task


def is_ahead(comparisons: pd.DataFrame) -> pd.Series[bool]:
    """Return for each comparison whether one of its policies is ahead of the other."""
    return comparisons["verdict"].isin([AHEAD, BEHIND])
