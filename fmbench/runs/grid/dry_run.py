"""Print the jobs of a grid without doing them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from fmbench.runs.grid.estimate import duration, read_job_rows, speed
from fmbench.runs.grid.jobs import Job


def print_jobs(
    out: Path,
    jobs: Sequence[Job],
    works: Mapping[str, float],
    missing: Collection[str],
    processes: int,
) -> None:
    """Print a line for each job, and how long those that are missing take.

    Args:
        out: The folder of the grid.
        jobs: The jobs.
        works: Name of each job to its work [s].
        missing: The names of those that are not done.
        processes: How many are done at a time.
    """
    rows = read_job_rows(out)
    factor = speed(rows, processes)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for name in ("job", "cells", "minutes"):
        table.add_column(name, justify="left" if name == "job" else "right", no_wrap=True)
    for job in jobs:
        minutes = works[job.name] * (factor or 1.0) / 60
        state = f"{minutes:.1f}" if job.name in missing else "done"
        table.add_row(job.name, str(job.cells), state)
    Console(highlight=False, soft_wrap=True).print(table)
    cells, basis = sum(job.cells for job in jobs), "as where fmbench was measured"
    if factor is not None:
        basis = f"from {len(rows)} jobs done in {out}, {factor:.2f} s for a second of work"
    left = time_of([works[name] for name in missing], out, processes)
    print(
        f"\n{len(jobs)} jobs with {cells:,} cells, {len(missing)} to do: about "
        f"{left} in {processes} processes ({basis})"
    )


def time_of(works: Sequence[float], out: Path, processes: int) -> str:
    """Return how long jobs take, in words.

    Args:
        works: The work of each [s].
        out: The folder of the grid, whose finished jobs show the speed of this machine.
        processes: How many are done at a time.
    """
    factor = speed(read_job_rows(out), processes) or 1.0
    hours = duration(works, processes, factor) / 3600
    return f"{hours:.1f} hours" if hours >= 1 else f"{60 * hours:.0f} minutes"
