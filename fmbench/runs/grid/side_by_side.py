"""Jobs done side by side, in processes or on Ray, with what is shown of them and what failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fmbench.cli.outlook import in_words
from fmbench.cli.session import Session
from fmbench.runs.grid.estimate import JobRow, read_job_rows
from fmbench.runs.grid.jobs import Job
from fmbench.runs.grid.on_ray import RayJobs
from fmbench.runs.grid.options import GridOptions
from fmbench.runs.grid.processes import WORKER, Order, Outcome, Processes
from fmbench.runs.grid.progress import JobsProgress
from fmbench.storage.row_files import write_rows

Slots = Sequence[Mapping[str, str]]
"""The environment of each process that works at once."""


class SideBySide:
    """Does jobs of one grid side by side.

    Args:
        out: The grid's folder.
        session: Progress display and requests to stop.
        options: How to do it.

    Attributes:
        failed: What failed, with the reason: jobs, and runs that could not be put together.
    """

    def __init__(self, out: Path, session: Session, options: GridOptions) -> None:
        self.out, self.session, self.options = out, session, options
        self.failed: dict[str, str] = {}
        self._notes: set[str] = set()

    def jobs(
        self,
        orders: Mapping[Job, Order],
        works: Mapping[str, float],
        slots: Slots,
        later: float,
        on_done: Callable[[Job], None],
    ) -> None:
        """Do jobs; show how much of their work is done, and the time left of all.

        Args:
            orders: The jobs, as processes get them.
            works: Name of each to its work [s].
            slots: What does them.
            later: How long the jobs after these take [s].
            on_done: Called with each job that was done.
        """
        by_name, processes = {job.name: job for job in orders}, len(slots)
        reporter, rows = self.session.reporter, read_job_rows(self.out)
        progress = JobsProgress({name: works[name] for name in by_name}, processes, rows, later)
        with reporter.stage(f"{len(orders)} jobs, seconds of work", progress.total) as stage:

            def on_end(outcome: Outcome) -> None:
                job = by_name[outcome.name]
                if not outcome.is_done:
                    self._note_failure(outcome)
                    return
                self.failed.pop(outcome.name, None)
                progress.end(outcome.name)
                rows.append(_row(job, works[job.name], outcome, processes))
                write_rows(self.out / JobRow.file_name, rows, JobRow)
                left = progress.left()
                reporter.say(f"{outcome.name}: {outcome.seconds:.0f} s, {in_words(left)} left")
                stage.update(progress.done(), left)
                on_done(job)

            def on_wait(running: Mapping[str, float]) -> None:
                progress.run(running)
                stage.update(progress.done(), progress.left())

            engine = self.engine(slots, next(iter(orders)).config.device)
            engine.run(list(orders.values()), on_end, self._note, on_wait)

    def counted(self, what: str, orders: Sequence[Order], engine: Processes | RayJobs) -> None:
        """Do what is not a job of the plan; show how much is done."""
        done = 0
        with self.session.reporter.stage(what, len(orders)) as stage:

            def on_end(outcome: Outcome) -> None:
                nonlocal done
                if not outcome.is_done:
                    self._note_failure(outcome)
                    return
                self.failed.pop(outcome.name, None)
                done += 1
                stage.update(done)

            engine.run(orders, on_end, self._note, lambda running: None)

    def engine(self, slots: Slots, device: str) -> Processes | RayJobs:
        """Return what does jobs on a device."""
        options, interrupts = self.options, self.session.interrupts
        if options.address is None:
            return self.processes(slots)
        on_gpu = device != "cpu"
        return RayJobs(options.address, len(slots), on_gpu, options.plugins, interrupts)

    def processes(self, slots: Slots) -> Processes:
        """Return processes of this machine."""
        return Processes(slots, (*WORKER, *self.options.plugins), self.session.interrupts)

    def _note(self, name: str, text: str) -> None:
        """Show a line that a process has written; the same line of other jobs only once."""
        if text not in self._notes:
            self._notes.add(text)
            self.session.reporter.say(f"{name}: {text}")

    def _note_failure(self, outcome: Outcome) -> None:
        """Report a failed attempt, unless a stop was requested."""
        if self.session.interrupts.requested:
            return
        again = "; it is tried again at the end" if outcome.attempt == 1 else ""
        self.session.reporter.say(f"{outcome.name} failed: {outcome.text}{again}")
        self.failed[outcome.name] = outcome.text


def _row(job: Job, work_s: float, outcome: Outcome, processes: int) -> JobRow:
    return JobRow(
        job=job.name,
        cells=job.cells,
        work_s=round(work_s, 1),
        seconds=round(outcome.seconds, 1),
        processes=processes,
        attempts=outcome.attempt,
    )
