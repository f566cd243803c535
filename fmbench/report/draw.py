"""Draw the tables and figures of a run folder from its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from fmbench.errors import unknown
from fmbench.report.across_tasks.figure import render_across_tasks
from fmbench.report.across_tasks.table import across_tasks_of_run
from fmbench.report.behaviour.draw import draw_behaviour
from fmbench.report.behaviour.figure import FIGURE as BEHAVIOUR
from fmbench.report.behaviour.figure import render_behaviour
from fmbench.report.delay.draw import FIGURE as DELAY_FIGURE
from fmbench.report.delay.figure import render_delay
from fmbench.report.delay.rows import delay_rows
from fmbench.report.delay.text import delay_caveats
from fmbench.report.disturbances.draw import draw_disturbances
from fmbench.report.disturbances.figure import FIGURE as HEAT_MAP
from fmbench.report.disturbances.figure import render_disturbances
from fmbench.report.plots import FIGURES, drawable, render
from fmbench.report.rendering import FORMATS, write_figure
from fmbench.report.results import read_results
from fmbench.report.tables import write_tables
from fmbench.report.times import draw_times
from fmbench.report.verdicts import MARGIN
from fmbench.storage.unfinished import is_unfinished

OPTIONAL = ("across_tasks", DELAY_FIGURE, HEAT_MAP, BEHAVIOUR)
"""Figures that are removed where there is nothing to draw."""


def draw_all(
    run_dir: Path,
    formats: Sequence[str] = ("png",),
    warn: Callable[[str], None] = lambda line: None,
    margin: float = MARGIN,
) -> list[Path]:
    """Write `summary.csv`, `summary.md` and `figures/` of a run folder.

    The files are functions of the rows: redrawing gives the same bytes. A figure without rows
    (training curves of a run of experts) is not drawn. A run that has not finished is drawn from
    its finished cells and marked; a figure that exists in another format is redrawn in it too, so
    that no mark is left when the run has finished. A finished run of several tasks is also compared
    over all of them, in `across_tasks.csv` and in a figure, which are removed otherwise. So are
    the tables and the figure of delays and executions, `delays.csv` and `delays.md`, and those of
    the behaviour beyond success, `behaviour.csv` and `behaviour.md`.

    Args:
        run_dir: Folder of a run.
        formats: Any of `FORMATS`.
        warn: Called with each caveat of what is drawn.
        margin: Largest difference of success rates that does not matter, in (0, 1).

    Returns:
        The paths written.

    Raises:
        FmbenchError: If the folder or a file in it cannot be read as a run.
    """
    check_formats(formats)
    results = read_results(run_dir, margin)
    across = across_tasks_of_run(results)
    delays = delay_rows(results)
    written = write_tables(results, across, run_dir, delays)
    paths, disturbed = draw_disturbances(results, run_dir)
    written += paths + draw_times(results, run_dir)
    paths, behaved = draw_behaviour(results, run_dir)
    written += paths
    figures: dict[str, Callable[[str], bytes] | None] = {
        name: partial(render, FIGURES[name], results) for name in drawable(results)
    }
    if across and across.rows:
        figures["across_tasks"] = partial(
            render_across_tasks, across.rows, results.looks, results.caveats, results.is_smoke
        )
    if delays:
        figures[DELAY_FIGURE] = partial(render_delay, delays, results)
    if disturbed:
        figures[HEAT_MAP] = partial(render_disturbances, disturbed, results)
    if behaved:
        figures[BEHAVIOUR] = partial(render_behaviour, behaved, results)
    # one of an earlier state would contradict the tables
    for name in dict.fromkeys([*figures, *OPTIONAL]):
        written += write_figure(run_dir / "figures" / name, formats, figures.get(name))
    if results.unfinished and not is_unfinished(run_dir):  # it has finished meanwhile
        return draw_all(run_dir, formats, warn, margin)
    for line in filter(None, (results.unfinished, *results.caveats, *delay_caveats(results))):
        warn(line)
    return written


def check_formats(formats: Sequence[str]) -> None:
    """Reject an unknown format of figures.

    Raises:
        FmbenchError: There is one.
    """
    for file_format in formats:
        if file_format not in FORMATS:
            raise unknown("figure format", file_format, FORMATS)
