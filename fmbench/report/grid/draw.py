"""Draw every section of a grid from the rows of its runs."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fmbench.errors import FmbenchError
from fmbench.report.across_hands.draw import draw_across_hands
from fmbench.report.copies import map_in_copies, without_collection
from fmbench.report.curve.draw import draw_curve
from fmbench.report.curve.rows import CurveRow
from fmbench.report.delay.deployment import DeploymentRow
from fmbench.report.delay.over_tasks import DelayOverTasksRow
from fmbench.report.disturbances.retention import RetentionRow
from fmbench.report.grid.delay import delay_headline, draw_delays_of_runs
from fmbench.report.grid.deployment import deployment_headline, draw_deployment_of_runs
from fmbench.report.grid.disturbances import draw_retention_of_runs, retention_headline
from fmbench.report.grid.headline import LINE_NAMES, Headline, headline, write_headline
from fmbench.report.grid.second_blocks import draw_second_blocks
from fmbench.report.grid.setting_row import SettingRow
from fmbench.report.grid.settings import draw_settings
from fmbench.report.grid.there import runs_of, warn_of_missing
from fmbench.report.looks import Looks
from fmbench.report.matrix.draw import draw_matrix_of, read_runs
from fmbench.report.matrix.rows import MatrixRow
from fmbench.report.observation.draw import draw_observations
from fmbench.report.observation.rows import ObservationRow
from fmbench.report.paper.draw import draw_paper
from fmbench.report.verdicts import MARGIN
from fmbench.storage.grid_folder import SectionFacts, read_grid_facts
from fmbench.storage.run_facts import read_run_facts

ROW_FILES = {
    "matrix": MatrixRow.file_name,
    "curve": CurveRow.file_name,
    "observations": ObservationRow.file_name,
    "settings": SettingRow.file_name,
    "disturbances": RetentionRow.file_name,
    "delay": DelayOverTasksRow.file_name,
    "deployment": DeploymentRow.file_name,
}
"""What draws a section: the file of its rows."""
Warn = Callable[[str], None]
DRAWN: dict[str, Callable[[Sequence[Path], Path, Warn, float, Sequence[str]], list[Path]]] = {
    "observations": draw_observations,
    "settings": draw_settings,
    "disturbances": draw_retention_of_runs,
    "delay": draw_delays_of_runs,
    "deployment": draw_deployment_of_runs,
}
"""What draws a section, given its runs, its folder, what warns, the margin and the formats."""
TABLES: dict[str, Callable[[str, Sequence[Mapping[str, str]], Looks], Headline]] = {
    "disturbances": retention_headline,
    "delay": delay_headline,
    "deployment": deployment_headline,
}
"""What draws a section with a small table of its own: what returns it."""


def draw_grid(
    out: Path,
    formats: Sequence[str] = ("png",),
    warn: Warn = lambda line: None,
    margin: float = MARGIN,
    failed: dict[str, str] | None = None,
    processes: int = 1,
) -> list[Path]:
    """Write tables and figures of every section that has a run.

    Args:
        out: Folder of a grid.
        formats: Formats of the figures.
        warn: Called with each caveat of what is drawn.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        failed: Where to note a section that cannot be drawn, with the reason, and go on; None to
            raise.
        processes: How many draw sections at once; several are copies of this process.

    Returns:
        The paths written.

    Raises:
        FmbenchError: The folder or a run in it cannot be read.
    """
    facts = read_grid_facts(out)
    warn_of_missing(out, facts, warn)
    there = [section for section in facts.sections if runs_of(out, section)]
    draw = partial(_try_section, out, formats, margin)
    written = []
    with without_collection():
        for section, drawn in zip(
            there, map_in_copies(draw, there, min(processes, max(len(there), 1))), strict=True
        ):
            for line in drawn.warnings:
                warn(line)
            written += drawn.paths
            if drawn.error and failed is None:
                raise FmbenchError(f"section {section.name}: {drawn.error}")
            if drawn.error and failed is not None:
                failed[f"section {section.name}"] = drawn.error
    for _ in draw_second_blocks(out, facts, margin):
        pass
    try:
        return written + draw_paper(out)
    except FmbenchError as error:
        if failed is None:
            raise
        failed["the paper"] = str(error)
    return written


@dataclasses.dataclass
class _Drawn:
    """What came of a section: the paths written, the caveats, and why it could not be drawn."""

    paths: list[Path] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    error: str = ""


def _try_section(out: Path, formats: Sequence[str], margin: float, section: SectionFacts) -> _Drawn:
    """Write tables and figures of one section that has a run."""
    drawn, runs, folder = _Drawn(), runs_of(out, section), out / section.name
    try:
        paths = _draw(section, runs, folder, formats, drawn.warnings.append, margin)
        looks = Looks(*map(read_run_facts, runs))
        paths += write_headline(folder, _headline(section, _rows(section, folder), looks))
    except FmbenchError as error:
        drawn.error = str(error)
    else:
        drawn.paths = paths
    return drawn


def _draw(
    section: SectionFacts,
    runs: Mapping[Path, Sequence[str]],
    folder: Path,
    formats: Sequence[str],
    warn: Warn,
    margin: float,
) -> list[Path]:
    if section.draw == "matrix":
        results = read_runs([*runs], margin, runs)
        written = draw_matrix_of(results, folder, warn, formats)
        if len(section.hands) > 1:
            written += draw_across_hands(results, section.hands, folder, formats)
        return written
    if section.draw == "curve":
        return draw_curve([*runs], folder, warn, formats, runs)
    return DRAWN[section.draw]([*runs], folder, warn, margin, formats)


def _headline(section: SectionFacts, rows: Sequence[Mapping[str, str]], looks: Looks) -> Headline:
    """Return the small table of a section from the rows of its drawing."""
    if section.draw in TABLES:
        return TABLES[section.draw](section.title, rows, looks)
    return headline(section.title, rows, LINE_NAMES[section.draw], looks)


def _rows(section: SectionFacts, folder: Path) -> list[dict[str, str]]:
    """Return the rows that the drawing of a section has written, with its caveats."""
    with (folder / ROW_FILES[section.draw]).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def print_sections(out: Path) -> None:
    """Print which sections there are, how many of their runs, and where their tables are."""
    facts = read_grid_facts(out)
    table = Table(title=Text(facts.title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("section", "what", "runs", "headlines"):
        justify: Literal["left", "right"] = "right" if name == "runs" else "left"
        table.add_column(name, justify=justify, overflow="fold")
    for section in facts.sections:
        there, planned = len(runs_of(out, section)), len(section.runs) + len(section.outside)
        place = str(Path(section.name) / "headline.md") if there else "-"
        table.add_row(section.name, Text(section.title), f"{there} of {planned}", place)
    Console(highlight=False).print(table)
    print(f"Rows, tables and figures: {out}{os.sep}")
