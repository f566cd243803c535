"""The folder of a grid: what it holds, which of its jobs are done, and jobs from other folders."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fmbench.cli.progress import Reporter
from fmbench.errors import FmbenchError
from fmbench.runs.grid.jobs import (
    TIMED,
    GridPlan,
    Job,
    plan_jobs,
    setting_of,
)
from fmbench.runs.grid.new_folder import check_new
from fmbench.runs.grid.planned import JOBS_FOLDER, Grid
from fmbench.runs.grid.shown import shown_runs
from fmbench.runs.run_folder import check_empty, hold_folder
from fmbench.runs.same_origin import check_code
from fmbench.storage.compressed import SUFFIX
from fmbench.storage.episode_files import ROW_FILES
from fmbench.storage.files import write_bytes_atomic, write_new
from fmbench.storage.finished import read_finished_rows
from fmbench.storage.grid_folder import (
    SCHEMA,
    SECOND_BLOCK,
    GridFacts,
    SectionFacts,
    is_grid,
    read_grid_facts,
    write_grid_facts,
)
from fmbench.storage.leftovers import staged
from fmbench.storage.recordings import RECORDINGS_FOLDER
from fmbench.storage.recordings import SUFFIX as RECORDING
from fmbench.storage.run_facts import RUN_FILE, read_run_facts
from fmbench.storage.stamps import present_stamp

COMMAND = "python -m fmbench.paper"


@contextmanager
def hold_grid_folder(out: Path, grid: Grid) -> Iterator[None]:
    """Create the folder of a grid if it is missing, and lock it.

    Raises:
        FmbenchError: Another process uses it, or it holds other files than a grid's; see
            `check_new`.
    """
    if out.is_dir() and not is_grid(out):
        check_new(out, grid)
    with hold_folder(out, COMMAND):
        yield


def open_grid_folder(out: Path, grid: Grid, command: str) -> GridFacts:
    """Begin a grid in its folder, or continue the one that is there; it may have become more.

    Raises:
        FmbenchError: `out` holds a grid with runs that this one lacks, or that differ.
    """
    facts = grid_facts(grid, command)
    if is_grid(out):
        there = read_grid_facts(out)
        check_same(out, there, facts)
        if there.sections == facts.sections and there.text == facts.text:
            return there
        facts = dataclasses.replace(facts, command=there.command)
    write_grid_facts(out, facts)
    return facts


def grid_facts(grid: Grid, command: str) -> GridFacts:
    """Return the content of `grid.json`."""
    shown = shown_runs(grid)
    sections = tuple(
        SectionFacts(
            *(s.name, s.title, s.draw),
            *({run.name: run.config.hash for run in s.runs}, s.hands, s.outside),
            {run.name: shown[run] for run in s.runs if run in shown},
        )
        for s in grid.sections
    )
    return GridFacts(SCHEMA, grid.title, sections, command, grid.text)


def check_same(out: Path, there: GridFacts, now: GridFacts) -> None:
    """Reject a folder with runs that a grid does not have.

    In a folder without jobs, e.g. of committed results, a run that was planned only may be another.

    Raises:
        FmbenchError: There is one; the message names the first.
    """
    is_at_work = (out / JOBS_FOLDER).is_dir()
    for run, config in there.runs.items():
        if not is_at_work and not (out / run / RUN_FILE).is_file():
            continue
        if run not in now.runs:
            raise FmbenchError(
                f"{out} holds another grid: it has the run {run}, which the grid file lacks; give "
                "another folder, or the file of that grid"
            )
        if now.runs[run] != config:
            raise FmbenchError(
                f"{out} holds another grid: its run {run} has configuration {config}, that of the "
                f"grid file {now.runs[run]}; give another folder, or the file of that grid"
            )


def is_done(job: Job, out: Path, accept_changes: bool = False) -> bool:
    """Return whether a job has finished, in a folder of this machine or brought from another.

    Raises:
        FmbenchError: It was made with other code or packages, and that is not accepted; or its
            folder holds no run.
    """
    folder = job.folder(out)
    if not os.path.lexists(folder / RUN_FILE):
        if folder.is_dir():
            try:
                check_empty(folder, "run")
            except FmbenchError:
                raise FmbenchError(
                    f"{folder} has no {RUN_FILE}; delete the folder, and the same command does "
                    "this job again"
                ) from None
        return False
    facts = read_run_facts(folder)
    check_code(folder, facts, present_stamp(), accept_changes)
    return facts.complete


def finished_jobs(out: Path) -> dict[str, list[tuple[str, ...]]]:
    """Return the policies of every finished job of a folder, by their setting."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for folder in sorted((out / JOBS_FOLDER).glob("*")):
        if os.path.lexists(folder / RUN_FILE):
            facts = read_run_facts(folder)
            if facts.complete:
                setting = setting_of(facts.config, folder.name.endswith(TIMED))
                found.setdefault(setting, []).append(tuple(facts.choice.policy or ()))
    return found


def check_sources(sources: Sequence[Path], grid: Grid) -> None:
    """Reject folders to be merged that are of another grid, or of none.

    Raises:
        FmbenchError: There is one; it has a run that the grid lacks.
    """
    for source in sources:
        if not is_grid(source):
            raise FmbenchError(
                f"--merge is {source}, which holds no grid; give folders of {COMMAND}"
            )
        check_same(source, read_grid_facts(source), grid_facts(grid, ""))


def bring(sources: Sequence[Path], plan: GridPlan, out: Path, say: Reporter) -> None:
    """Copy the rows of finished jobs from other folders; checkpoints stay there.

    Args:
        sources: Folders of the grid, e.g. of its shards, or of an earlier, smaller state of it.
        plan: Its jobs.
        out: Its folder, locked.
        say: Reports what was brought.

    Raises:
        FmbenchError: A job there was changed after it was written.
    """
    for source in sources:
        taken = sum(
            _bring_one(source / JOBS_FOLDER / job.name, out / JOBS_FOLDER / job.name)
            for job in plan_jobs(list(plan.jobs_of), finished_jobs(source)).jobs
        )
        for run in plan.jobs_of:
            _bring_recordings(*(assembled_folder(o, run.section, run.name) for o in (source, out)))
        say.say(f"{source}: {taken} jobs taken")


def _bring_one(there: Path, here: Path) -> bool:
    """Copy one finished job, if it is only there; return whether it was copied."""
    if not os.path.lexists(there / RUN_FILE):
        return False
    facts = read_run_facts(there)
    if not facts.complete:
        return False
    if os.path.lexists(here / RUN_FILE) and read_run_facts(here).complete:
        return False
    read_finished_rows(there, facts)  # verified before it is taken
    place(here, {name: (there / name).read_bytes() for name in row_files(there)})
    return True


def _bring_recordings(there: Path, here: Path) -> None:
    """Copy the recordings of a run that are only there."""
    for path in sorted((there / RECORDINGS_FOLDER).glob(f"*{RECORDING}")):
        target = here / RECORDINGS_FOLDER / path.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_bytes_atomic(target, path.read_bytes())


def place(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a folder, by their paths in it; it appears whole, for an earlier one."""
    incoming = staged(folder)
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(parents=True)
    for name, data in files.items():
        (incoming / name).parent.mkdir(parents=True, exist_ok=True)
        write_new(incoming / name, data)
    shutil.rmtree(folder, ignore_errors=True)
    incoming.rename(folder)


def row_files(folder: Path) -> Iterator[str]:
    """Yield the names of the files of a finished run that hold its rows."""
    yield RUN_FILE
    for row_type in ROW_FILES:
        for name in (row_type.file_name, row_type.file_name + SUFFIX):
            if (folder / name).is_file():
                yield name


def checkpoint_files(folder: Path) -> list[str]:
    """Return the paths of the files of a run's checkpoints in its folder."""
    files = sorted(path for path in (folder / "checkpoints").rglob("*") if path.is_file())
    return [path.relative_to(folder).as_posix() for path in files]


def remove_checkpoints(job: Job, out: Path) -> None:
    """Remove what a finished job needs only to go on: checkpoints and files of single cells."""
    for name in ("checkpoints", "cells"):
        shutil.rmtree(job.folder(out) / name, ignore_errors=True)


def second_block_folder(out: Path, section: str, run: str) -> Path:
    """Return the folder of the evaluation of a run on the second block of test seeds."""
    return assembled_folder(out, section, f"{run}{SECOND_BLOCK}")


def assembled_folder(out: Path, section: str, run: str) -> Path:
    """Return the folder of a run that was put together from jobs."""
    return out / section / run
