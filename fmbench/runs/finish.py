"""Final steps of a run: write its rows, mark it complete, draw and print its results."""

import dataclasses
import os
import time
from collections.abc import Sequence
from pathlib import Path

from fmbench.cli.session import Session
from fmbench.errors import Incomplete
from fmbench.report.delay.terminal import print_delays
from fmbench.report.disturbances.draw import print_disturbances
from fmbench.report.draw import draw_all
from fmbench.report.results import read_results
from fmbench.report.terminal import print_summary
from fmbench.storage.compressed import stored_path
from fmbench.storage.episode_files import Episodes, write_episodes
from fmbench.storage.learning_rows import LearningRow
from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import DiagnosticRow, MeasurementRow, R, TrainingRow
from fmbench.storage.run_facts import RunFacts, write_run_facts
from fmbench.storage.run_rows import hash_rows


@dataclasses.dataclass
class RunRows:
    """The rows of a run, appended in the order of its evaluation."""

    episodes: Episodes = dataclasses.field(default_factory=Episodes)
    measurements: list[MeasurementRow] = dataclasses.field(default_factory=list)
    training: list[TrainingRow] = dataclasses.field(default_factory=list)
    diagnostics: list[DiagnosticRow] = dataclasses.field(default_factory=list)
    learning: list[LearningRow] = dataclasses.field(default_factory=list)


def finish_run(
    out: Path,
    rows: RunRows,
    facts: RunFacts,
    started: float,
    session: Session,
    draws: bool = True,
) -> None:
    """Write a run's files and draw its tables and figures.

    Args:
        out: The run's folder.
        rows: All of its rows.
        facts: The content of `run.json`; written, as complete, unless nothing in it changes.
        started: `time.time()` when this process started the run [s].
        session: Progress display.
        draws: Whether to draw them.
    """
    write_episodes(out, rows.episodes)
    write_rows(out / MeasurementRow.file_name, rows.measurements, MeasurementRow)
    _write_or_remove(out, rows.training, TrainingRow)
    _write_or_remove(out, rows.diagnostics, DiagnosticRow)
    _write_or_remove(out, rows.learning, LearningRow)
    hashes = hash_rows(out)
    if not facts.complete or facts.sha256 != hashes:
        seconds = facts.seconds if facts.complete else round(time.time() - started, 1)
        done = dataclasses.replace(facts, complete=True, seconds=seconds, sha256=hashes)
        write_run_facts(out, done)
    session.interrupts.stop_here()
    if not draws:
        return
    with session.reporter.stage("tables and figures", 1):
        draw_all(out)
    session.interrupts.stop_here()


def _write_or_remove(out: Path, rows: Sequence[R], row_type: type[R]) -> None:
    """Write the file of one kind of rows; none if there are none."""
    path = stored_path(out / row_type.file_name)
    if rows:
        write_rows(path, rows, row_type)
    else:
        path.unlink(missing_ok=True)


def show_run(out: Path) -> None:
    """Print the summary of a finished run, its delays and disturbances if any, and its folder.

    Raises:
        Incomplete: A policy failed in an episode. An unstable simulation is only warned about.
    """
    results = read_results(out)
    print_summary(results)
    print_delays(results, out)
    print_disturbances(results)
    print(f"Rows, tables and figures: {out}{os.sep}")
    episodes = [results.episodes, *results.settings.values()]
    if failed := sum(int((rows["error"] != "").sum()) for rows in episodes):
        raise Incomplete(
            f"{failed} of {sum(map(len, episodes))} episodes ended by an error of the policy, see "
            "the warnings above; they count as failures"
        )
