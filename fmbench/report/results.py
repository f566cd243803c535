"""Results of a run: the data of its tables and figures."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmbench.config import cell_hash, outside_cell_hash
from fmbench.errors import FmbenchError, shown
from fmbench.report.caveats import broken_cells, error_lines, version_lines
from fmbench.report.comparisons import ComparisonRow, compare
from fmbench.report.config_differences import config_differences
from fmbench.report.looks import Looks
from fmbench.report.only import rows_of, run_of
from fmbench.report.outcomes import CELL, Outcomes, SummaryKey, outcomes_of
from fmbench.report.settings_split import (
    PLAIN,
    Setting,
    is_of_plain_setting,
    plain_rows,
    split_settings,
)
from fmbench.report.summary import frame, summarise, table_frame
from fmbench.report.verdicts import MARGIN
from fmbench.storage.compressed import is_stored
from fmbench.storage.episode_files import EpisodeTable
from fmbench.storage.finished import FinishedRows, read_finished_rows
from fmbench.storage.learning_rows import LearningRow
from fmbench.storage.links import check_links_inside
from fmbench.storage.row_tables import table_of
from fmbench.storage.rows import REFERENCES, EpisodeRow, OriginRow, TrainingRow
from fmbench.storage.run_facts import RUN_FILE, RunFacts, read_run_facts
from fmbench.storage.run_rows import states_rows
from fmbench.storage.unfinished import is_unfinished, read_finished_cells
from policies.catalogue import POLICIES


@dataclasses.dataclass(frozen=True)
class Results:
    """The rows of a run and the tables computed from them.

    Rows with a delay or a disturbance are in `settings` only, and in `origins`.
    """

    episodes: pd.DataFrame
    """Frame of `EpisodeRow`."""
    outcomes: Outcomes
    """What the episodes were reduced to."""
    origins: pd.DataFrame
    """Frame of `OriginRow`: the provenance of each cell."""
    measurements: pd.DataFrame
    """Frame of `MeasurementRow`; empty if nothing was measured."""
    training: pd.DataFrame
    """Frame of `TrainingRow`; empty if nothing was trained."""
    summary: pd.DataFrame
    """Frame of `fmbench.report.summary.SummaryRow`."""
    comparisons: pd.DataFrame
    """Frame of `fmbench.report.comparisons.ComparisonRow`."""
    caveats: tuple[str, ...]
    """Several versions, and episodes that ended by errors; below every table and figure."""
    broken: frozenset[SummaryKey]
    """Cells whose rate says nothing about the policy; they are not compared."""
    warnings: tuple[str, ...]
    """Differences between policies that should differ only in their objective."""
    diagnostics: pd.DataFrame
    """Frame of `DiagnosticRow`; empty if nothing was diagnosed."""
    run: RunFacts
    """The content of `run.json`; empty if the file is missing."""
    looks: Looks
    """Labels, colours and order of its policies."""
    learning: pd.DataFrame
    """Frame of `LearningRow`; empty if no agent has learnt here."""

    unfinished: str = ""
    """What an unfinished run has, e.g. `unfinished: 3 of 8 cells`; empty if it has finished."""

    margin: float = MARGIN
    """Largest difference of success rates that does not matter to its verdicts."""

    settings: dict[Setting, pd.DataFrame] = dataclasses.field(default_factory=dict)
    """Frame of `EpisodeRow` of every setting with a delay or a disturbance, in order."""

    costs: dict[Setting, pd.DataFrame] = dataclasses.field(default_factory=dict)
    """Frame of `MeasurementRow` of every such setting that was measured."""

    places: NDArray[np.int64] | None = None
    """Row of each of `episodes` in the file of episodes, from 0; None if they are in several, or if
    the run is read in part."""

    left_out: tuple[str, ...] = ()
    """What is wrong with files of an unfinished run that were left out."""

    @property
    def complete(self) -> bool:
        """Whether the run has finished."""
        return not self.unfinished

    def is_broken(self, row: Any) -> bool:
        """Return whether a row of the summary is a broken cell."""
        return SummaryKey(row.task, row.policy, row.sampler, row.steps) in self.broken

    def not_compared(self, task: str) -> list[SummaryKey]:
        """Return the broken headlines of a task; no comparison is based on them."""
        if not self.broken:
            return []
        headlines = self.summary[self.summary["headline"] & (self.summary["task"] == task)]
        cells = [SummaryKey(*cell) for cell in headlines[CELL].itertuples(index=False)]
        return [cell for cell in cells if cell in self.broken and cell.policy not in REFERENCES]

    @property
    def is_smoke(self) -> bool:
        """Whether the run only tested the software."""
        return self.run.preset == "smoke"


def read_results(
    run_dir: Path,
    margin: float = MARGIN,
    leaves_out: bool = False,
    policies: Sequence[str] = (),
) -> Results:
    """Read a run folder and compute its tables.

    Only `episodes.csv` and `cells.csv` are required, since a run of experts trains and measures
    nothing. Each file of rows may be compressed. Of a run that has not finished, the finished cells
    are read; its policies are not compared, because further cells would change the verdicts.

    Args:
        run_dir: The folder.
        margin: Largest difference of success rates that does not matter, in (0, 1).
        leaves_out: Whether a damaged file of a cell of an unfinished run is left out and noted,
            instead of raising an error.
        policies: Those of its policies that are read, as if a run had these only; all if empty.

    Raises:
        FmbenchError: The folder is not a run, has no episode yet, or has a malformed file or a
            link that leads outside.
    """
    left_out: list[str] = []
    run, rows = _read_run(run_dir, left_out.append if leaves_out else None)
    if policies:
        run, rows = run_of(run, policies), _Rows(**vars(rows_of(rows, policies)))
    table = table_frame(rows.episodes.table)
    settings = split_settings(table)
    episodes = settings.pop(PLAIN)
    origins = frame(rows.episodes.origins, OriginRow)
    costs = split_settings(table_frame(rows.measurements))
    measurements = costs.pop(PLAIN)
    looks = Looks(run)
    outcomes = outcomes_of(episodes)
    comparisons = frame([], ComparisonRow)
    if not rows.unfinished:
        comparisons = compare(outcomes, measurements, looks, margin)
    train_seeds = run.choice.seeds if rows.unfinished else None
    return Results(
        episodes=episodes,
        outcomes=outcomes,
        origins=origins,
        measurements=measurements,
        training=table_frame(rows.training),
        summary=summarise(outcomes, measurements, looks, train_seeds),
        comparisons=comparisons,
        caveats=(*version_lines(origins), *error_lines(episodes, looks.label)),
        broken=broken_cells(outcomes),
        warnings=tuple(config_differences(plain_rows(origins), measurements, looks)),
        diagnostics=plain_rows(table_frame(rows.diagnostics)),
        run=run,
        looks=looks,
        learning=table_frame(rows.learning),
        unfinished=rows.unfinished,
        margin=margin,
        settings=settings,
        costs=costs,
        left_out=tuple(left_out),
        places=None if rows.unfinished or policies else np.flatnonzero(is_of_plain_setting(table)),
    )


@dataclasses.dataclass(frozen=True)
class _Rows(FinishedRows):
    """The rows of a run, finished or not."""

    unfinished: str = ""


def _read_run(run_dir: Path, leave_out: Callable[[str], None] | None) -> tuple[RunFacts, _Rows]:
    """Return the facts and the rows of a run folder; see `read_results`."""
    if not run_dir.is_dir():
        state = "is a file" if run_dir.exists() else "does not exist"
        raise FmbenchError(f"{run_dir} {state}; give the folder of a run, which holds episodes.csv")
    episodes_file = run_dir / EpisodeRow.file_name
    if not os.path.lexists(run_dir / RUN_FILE) and not is_stored(episodes_file):
        raise FmbenchError(f"{episodes_file} does not exist; give the folder of a finished run")
    check_links_inside(run_dir)
    run = read_run_facts(run_dir) if os.path.lexists(run_dir / RUN_FILE) else RunFacts()
    _check_task_of_outside(run_dir, run)
    if is_unfinished(run_dir):
        rows = _read_unfinished(run_dir, run, leave_out)
    else:
        rows = _read_finished(run_dir, run)
    _check_config(run_dir, run, rows.episodes.origins)
    return run, rows


def _read_finished(run_dir: Path, run: RunFacts) -> _Rows:
    rows = read_finished_rows(run_dir, run)
    if not rows.episodes.origins:
        raise FmbenchError(
            f"{run_dir / EpisodeRow.file_name} has no rows; let the run finish its first episodes"
        )
    return _Rows(**vars(rows))


def _read_unfinished(
    run_dir: Path, run: RunFacts, leave_out: Callable[[str], None] | None
) -> _Rows:
    """Return the rows of the finished cells, tasks in the order of the run."""
    cells = read_finished_cells(run_dir, run, leave_out)
    origins = cells.episodes.origins
    if not origins:
        raise FmbenchError(f"{run_dir} has no finished cell yet; its own command resumes it")
    if not any(origin.is_plain for origin in origins):  # an evaluation copies them at its end
        raise FmbenchError(
            f"{run_dir} has no finished cell without delay and disturbance yet; its own command "
            "resumes it"
        )
    tasks = list(run.choice.task or ())
    tasks += sorted({origin.task for origin in origins} - set(tasks))
    table = cells.episodes.table
    by_task = sorted(range(len(table)), key=lambda i: tasks.index(table.columns["task"][i]))
    sorted_origins = sorted(origins, key=lambda row: tasks.index(row.task))
    episodes = EpisodeTable(table.take(by_task), sorted_origins)
    planned = "" if run.planned_cells is None else f" of {run.planned_cells}"
    plural = "" if (run.planned_cells or len(origins)) == 1 else "s"
    text = f"unfinished: {len(origins)}{planned} cell{plural}"
    nothing = table_of([], TrainingRow), table_of([], LearningRow)
    return _Rows(episodes, cells.measurements, nothing[0], cells.diagnostics, nothing[1], text)


def _check_task_of_outside(run_dir: Path, run: RunFacts) -> None:
    """Reject a policy from outside with several tasks: its comparisons are of one."""
    tasks, hashed = run.choice.task or [], [*run.task_hashes]
    if run.outside is not None and (len(tasks) != 1 or hashed != tasks):
        raise FmbenchError(
            f"{run_dir / RUN_FILE}: a policy from outside has one task; config has "
            f"{shown(tasks)}, task_hashes have {shown(hashed)}"
        )


def _check_config(run_dir: Path, run: RunFacts, origins: Sequence[OriginRow]) -> None:
    """Reject rows of another configuration; that of a policy that is not loaded is not known."""
    known = {*REFERENCES, *POLICIES}
    if run.outside is not None:
        known |= set(run.policies)
    for origin in origins if states_rows(run) else ():
        is_outside = run.outside is not None and origin.policy not in REFERENCES
        expected = (
            outside_cell_hash(run.config) if is_outside else cell_hash(run.config, origin.policy)
        )
        if origin.policy in known and origin.config_hash != expected:
            raise FmbenchError(
                f"{run_dir} has rows of another configuration than that in its {RUN_FILE} "
                f"({origin.policy} on {origin.task}); one of the files was changed"
            )
    preset = run.choice.preset
    if states_rows(run) and preset != run.preset:
        raise FmbenchError(
            f"{run_dir / RUN_FILE}: preset is {shown(run.preset)}, its config has {shown(preset)}"
        )
