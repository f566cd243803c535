"""Which runs of a grid another section has, too: their rows need not be kept twice."""

from __future__ import annotations

from fmbench.runs.grid.jobs import setting_of
from fmbench.runs.grid.planned import Grid, PlannedRun
from fmbench.storage.grid_folder import ShownRun


def shown_runs(grid: Grid) -> dict[PlannedRun, ShownRun]:
    """Return the runs whose rows are in a run of another section, and in which.

    That has the same configuration but for further policies, or stands before it in the grid.
    """
    alike: dict[str, list[PlannedRun]] = {}
    for run in grid.runs:
        alike.setdefault(setting_of(run.config.to_json(), run.latency), []).append(run)
    shown = {}
    for group in alike.values():
        # Stable: of two with the same policies the first one in the grid keeps its rows.
        group.sort(key=lambda run: -len(run.config.policy))
        for place, run in enumerate(group):
            for other in group[:place]:
                has_rows = set(run.config.policy) <= set(other.config.policy)
                if has_rows and other.section != run.section and other not in shown:
                    shown[run] = ShownRun(other.path, run.config.policy)
                    break
    return shown
