"""Disturbances of a grid, each for the tasks that can have it: a run of a grid has one task."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from fmbench.errors import FmbenchError
from fmbench.runs.disturbances import check_disturbances
from fmbench.runs.grid.planned import Grid, PlannedRun, Section


def with_possible_disturbances(grid: Grid) -> Grid:
    """Return a grid without the disturbances that the task of a run lacks.

    Raises:
        FmbenchError: All tasks of a section lack one, or its policies see pictures, which do not
            show it; the message names the section.
    """
    return dataclasses.replace(grid, sections=tuple(map(_possible, grid.sections)))


def _possible(section: Section) -> Section:
    groups: dict[tuple[tuple[str, ...], str], list[PlannedRun]] = {}
    for run in section.runs:
        groups.setdefault((run.config.perturb, run.config.observation), []).append(run)
    of_run: dict[PlannedRun, Sequence[str]] = {}
    for (settings, observation), runs in groups.items():
        tasks = list(dict.fromkeys(run.config.task[0] for run in runs))
        try:
            possible = check_disturbances(settings, tasks, observation)
        except FmbenchError as error:
            raise FmbenchError(f"section {section.name}: {error}") from None
        of_run |= {run: possible.get(run.config.task[0], ()) for run in runs}
    runs = [
        dataclasses.replace(run, config=dataclasses.replace(run.config, perturb=tuple(of_run[run])))
        for run in section.runs
    ]
    return dataclasses.replace(section, runs=tuple(runs))
