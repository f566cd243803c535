"""Print the jobs of a grid without doing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from fmbench.runs.grid.jobs import Job


def print_jobs(jobs: Iterable[Job], minutes: Mapping[str, float]) -> None:
    """Print a line for each job.

    Args:
        jobs: The jobs.
        minutes: Name of each job that is not done to how long it takes [min].
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for name in ("job", "cells", "minutes"):
        table.add_column(name, justify="left" if name == "job" else "right", no_wrap=True)
    for job in jobs:
        state = f"{minutes[job.name]:.1f}" if job.name in minutes else "done"
        table.add_row(job.name, str(job.cells), state)
    Console(highlight=False, soft_wrap=True).print(table)
