"""Finish the runs of a grid whose jobs are all done, by putting their rows together."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fmbench.errors import FmbenchError
from fmbench.runs.grid.assembly import assemble, is_assembled
from fmbench.runs.grid.command_line import command_of
from fmbench.runs.grid.folder import assembled_folder, is_done
from fmbench.runs.grid.jobs import GridPlan, Job
from fmbench.runs.grid.planned import PlannedRun
from fmbench.runs.grid.recording import RunToRecord
from fmbench.storage.files import link_file
from fmbench.storage.recordings import RECORDINGS_FOLDER
from fmbench.storage.run_facts import RUN_FILE

CHECKPOINTS = "checkpoints"


class Finishing:
    """Finishes the runs of a grid, each once.

    Args:
        plan: The jobs of each run.
        out: The folder of the grid.
        accept_changes: Whether jobs may be of other code.
        plugins: Command line of the plug-ins, for the command of each run.

    Attributes:
        finished: The runs that are put together, and recorded if that was asked for and possible;
            those who do that add them.
        unrecorded: Those that could not be recorded, as SECTION/RUN.
    """

    def __init__(
        self,
        plan: GridPlan,
        out: Path,
        accept_changes: bool,
        plugins: Sequence[str] = (),
    ) -> None:
        self.plan, self.out = plan, out
        self.accept_changes, self.plugins = accept_changes, plugins
        self.finished: set[PlannedRun] = set()
        self.unrecorded: list[str] = []

    def runs_of(self, job: Job) -> list[PlannedRun]:
        """Return the runs that a job was the last one of."""
        return [
            run for run, jobs in self.plan.jobs_of.items() if job in jobs and self._is_ready(run)
        ]

    def ready(self) -> list[PlannedRun]:
        """Return the runs whose jobs are all done."""
        self.unrecorded.clear()
        return [run for run in self.plan.jobs_of if self._is_ready(run)]

    def finish(self, run: PlannedRun) -> None:
        """Put a run together, unless that has been done.

        Raises:
            FmbenchError: Its jobs do not fit together.
        """
        folder = assembled_folder(self.out, run.section, run.name)
        jobs = [job.folder(self.out) for job in self.plan.jobs_of[run]]
        if not is_assembled(run.config, jobs, folder):
            command = command_of(run.config, run.latency, self.plugins)
            assemble(run.config, jobs, folder, command)

    def to_record(self, runs: Iterable[PlannedRun]) -> list[RunToRecord]:
        """Return those of assembled runs of which episodes are to be recorded.

        One whose checkpoints are not here keeps the recordings that it has.
        """
        found = []
        for run in runs:
            if not run.record:
                continue
            folder = assembled_folder(self.out, run.section, run.name)
            jobs: dict[str, Path] = {}
            for job in self.plan.jobs_of[run]:
                for policy in job.config.policy:
                    jobs.setdefault(policy, job.folder(self.out))
            if all((job / CHECKPOINTS).is_dir() for job in jobs.values()):
                found.append(RunToRecord(run.path, folder, run.config, run.record, jobs))
            elif not any((folder / RECORDINGS_FOLDER).glob("*")):
                self.unrecorded.append(run.path)
        return found

    @contextmanager
    def with_checkpoints(self, runs: Sequence[PlannedRun]) -> Iterator[None]:
        """Give assembled runs the checkpoints of their jobs for a while, as links to the files.

        Raises:
            FmbenchError: A run is not assembled, or a job has no checkpoints any more.
        """
        given = []
        try:
            for run in runs:
                folder = assembled_folder(self.out, run.section, run.name)
                given.append(folder / CHECKPOINTS)
                self._link_checkpoints(run, folder)
            yield
        finally:
            for path in given:
                shutil.rmtree(path, ignore_errors=True)

    def _link_checkpoints(self, run: PlannedRun, folder: Path) -> None:
        for job in self._trained(run):
            source = job / CHECKPOINTS
            if not (folder / RUN_FILE).is_file() or not source.is_dir():
                raise FmbenchError(
                    f"{folder} cannot be evaluated on the second block of test seeds: "
                    f"{source if (folder / RUN_FILE).is_file() else folder / RUN_FILE} is missing"
                )
            for path in sorted(path for path in source.rglob("*") if path.is_file()):
                link_file(folder / CHECKPOINTS / path.relative_to(source), path)

    def _trained(self, run: PlannedRun) -> list[Path]:
        """Return the folders of the jobs that have checkpoints of a run."""
        return [job.folder(self.out) for job in self.plan.jobs_of[run] if job.trains]

    def _is_ready(self, run: PlannedRun) -> bool:
        return all(is_done(job, self.out, self.accept_changes) for job in self.plan.jobs_of[run])
