"""Evaluate the finished runs of a grid on the second block of test seeds."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fmbench.errors import Incomplete
from fmbench.report.grid.second_blocks import draw_second_blocks
from fmbench.runs.grid.folder import (
    assembled_folder,
    hold_grid_folder,
    open_grid_folder,
    second_block_folder,
)
from fmbench.runs.grid.jobs import Job
from fmbench.runs.grid.planned import PlannedRun
from fmbench.runs.grid.processes import Order
from fmbench.runs.grid.work import GridWork
from fmbench.storage.run_facts import RUN_FILE, read_run_facts


def evaluate_second_blocks(work: GridWork) -> None:
    """Evaluate all runs of a grid on the second block, and print the difference to the first.

    What has been evaluated is kept.

    Raises:
        FmbenchError: A run is not finished, or its checkpoints are not here.
        Incomplete: Some evaluations failed; the others are done.
    """
    with hold_grid_folder(work.out, work.grid):
        facts = open_grid_folder(work.out, work.grid, work.options.command)
        runs = list(work.plan.jobs_of)
        missing = [run for run in runs if not _is_done(work, run)]
        with work.finishing.with_checkpoints(missing):
            _evaluate(work, missing)
        for line in draw_second_blocks(work.out, facts):
            print(line)
    if work.failed:
        name, text = next(iter(work.failed.items()))
        raise Incomplete(
            f"{len(work.failed)} of {len(runs)} evaluations failed, the first is {name}: {text}"
        )


def _is_done(work: GridWork, run: PlannedRun) -> bool:
    folder = second_block_folder(work.out, run.section, run.name)
    return os.path.lexists(folder / RUN_FILE) and read_run_facts(folder).complete


def _evaluate(work: GridWork, runs: Sequence[PlannedRun]) -> None:
    """Evaluate runs side by side."""
    if not runs:
        return
    orders = []
    for run in runs:
        message = work.message(Job(run.config))
        message["run"] = str(assembled_folder(work.out, run.section, run.name))
        message["out"] = str(second_block_folder(work.out, run.section, run.name))
        orders.append(Order(run.path, message))
    engine = work.doing.engine(work.options.slots[: len(orders)], runs[0].config.device)
    work.doing.counted("runs on the second block", orders, engine)
