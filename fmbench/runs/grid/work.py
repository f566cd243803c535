"""The work of `python -m fmbench.paper`: do the missing jobs, assemble runs, draw sections."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fmbench.cli.session import Session
from fmbench.cli.warnings import warn
from fmbench.errors import FmbenchError, Incomplete
from fmbench.report.grid.draw import draw_grid, print_sections
from fmbench.runs.grid.dry_run import print_jobs, time_of
from fmbench.runs.grid.estimate import duration, shard, work
from fmbench.runs.grid.finishing import Finishing
from fmbench.runs.grid.folder import (
    bring,
    check_sources,
    finished_jobs,
    hold_grid_folder,
    is_done,
    open_grid_folder,
    remove_checkpoints,
)
from fmbench.runs.grid.jobs import Job, plan_jobs
from fmbench.runs.grid.options import GridOptions
from fmbench.runs.grid.planned import Grid, PlannedRun
from fmbench.runs.grid.possible_disturbances import with_possible_disturbances
from fmbench.runs.grid.processes import Order
from fmbench.runs.grid.recording import RunToRecord
from fmbench.runs.grid.side_by_side import SideBySide
from fmbench.runs.preparation import check_runnable


class GridWork:
    """One grid, in one folder.

    Args:
        grid: The grid.
        out: Its folder; an unfinished grid there is continued.
        data: Folder of all demonstrations.
        session: Progress display and requests to stop.
        options: How to do it.
    """

    def __init__(
        self, grid: Grid, out: Path, data: Path, session: Session, options: GridOptions
    ) -> None:
        grid = with_possible_disturbances(grid)
        self.grid, self.out, self.data = grid, out, data
        self.session, self.options = session, options
        for run in grid.runs if options.slots else ():
            if not options.only or run.section in options.only:
                _check_run(run)
        self.doing = SideBySide(out, session, options)
        self.failed = self.doing.failed
        check_sources(options.merge, grid)
        self._plan()

    def _plan(self) -> None:
        """Plan the jobs; those that have finished are kept as they are."""
        options, runs = self.options, self.grid.runs
        whole = plan_jobs(runs, finished_jobs(self.out))
        self.plan = whole.of_sections(options.only) if options.only else whole
        self.works = {job.name: work(job) for job in self.plan.jobs}
        settings = self._own_settings()
        self.own = [job for job in self.plan.jobs if settings is None or job.setting in settings]
        self.finishing = Finishing(self.plan, self.out, options.accept_changes, options.plugins)

    def run(self) -> None:
        """Do all remaining work, while holding the folder's lock.

        Raises:
            FmbenchError: `out` is in use, or holds another grid or other files.
            Incomplete: Some jobs failed; the others are done.
        """
        with hold_grid_folder(self.out, self.grid):
            open_grid_folder(self.out, self.grid, self.options.command)
            if self.options.merge:
                bring(self.options.merge, self.plan, self.out, self.session.reporter)
                self._plan()
            self._do_jobs()
            self._finish()
            if self.options.keeps_rows_only:
                self._remove_checkpoints()
            with self.session.reporter.stage("tables and figures", 1):
                draw_grid(self.out, warn=warn, failed=self.failed)
        print_sections(self.out)
        if self.failed:
            name, text = next(iter(self.failed.items()))
            raise Incomplete(
                f"{len(self.failed)} failed, the first is {name}: {text}; what else could be done "
                "is done, and the same command tries these again"
            )

    def _own_settings(self) -> set[str] | None:
        """Return the settings of this shard, the same whatever has been done; None for all."""
        if self.options.shard is None:
            return None
        amounts: dict[str, float] = {}
        for job in plan_jobs(list(self.plan.jobs_of)).jobs:
            amounts[job.setting] = amounts.get(job.setting, 0.0) + work(job)
        return shard(amounts, *self.options.shard)

    def _remove_checkpoints(self) -> None:
        """Remove the checkpoints of finished jobs that no run waits for."""
        for job in self.own:
            runs = [run for run, jobs in self.plan.jobs_of.items() if job in jobs]
            if all(run in self.finishing.finished for run in runs):
                remove_checkpoints(job, self.out)

    def show(self) -> None:
        """Print the jobs, and how long the missing ones take, without doing anything."""
        missing = {job.name for job in self._missing()}
        processes = len(self.options.slots)
        print_jobs(self.out, self.own, self.works, missing, processes)

    def _time(self, jobs: Sequence[Job]) -> str:
        """Return how long jobs take, in words."""
        return time_of([self.works[job.name] for job in jobs], self.out, len(self.options.slots))

    def _missing(self) -> list[Job]:
        accept = self.options.accept_changes
        return [job for job in self.own if not is_done(job, self.out, accept)]

    def _do_jobs(self) -> None:
        missing = self._missing()
        self.session.reporter.say(
            f"{len(self.own) - len(missing)} of {len(self.own)} jobs are done"
            + f", the others take about {self._time(missing)}" * bool(missing)
            + (
                f"; {len(self.plan.jobs) - len(self.own)} are in other shards"
                * bool(self.options.shard)
            )
        )
        if missing and not self.options.slots:
            warn(f"{len(missing)} jobs are missing; this machine has no CUDA device to do them")
            return
        missing.sort(key=lambda job: -self.works[job.name])
        parts = []
        for latency, slots in ((False, self.options.slots), (True, self.options.slots[:1])):
            for device in dict.fromkeys(job.config.device for job in missing):
                alike = [job for job in missing if job.config.device == device]
                if jobs := [job for job in alike if job.latency == latency]:
                    parts.append((jobs, slots[: len(jobs)]))
        times = [
            duration([self.works[job.name] for job in jobs], len(slots), 1.0)
            for jobs, slots in parts
        ]
        for k, (jobs, slots) in enumerate(parts):
            orders = {job: Order(job.name, self.message(job)) for job in jobs}
            self.doing.jobs(orders, self.works, slots, sum(times[k + 1 :]), self._finish_runs_of)

    def _finish_runs_of(self, job: Job) -> None:
        for run in self.finishing.runs_of(job):
            self._finish_one(run)

    def message(self, job: Job) -> dict[str, Any]:
        """Return a job as a process gets it; see `fmbench.runs.grid.worker`."""
        return {
            "config": dataclasses.asdict(job.config),
            "out": str(job.folder(self.out)),
            "data": str(self.data),
            "keeps_checkpoints": not self.options.keeps_rows_only,
            "options": {
                "command": self.options.command,
                "times_decisions": job.latency,
                "accept_changes": self.options.accept_changes,
                "nfe_is_given": True,
                "yes_slow": True,
                "draws": False,
                "references": not job.trains,
            },
        }

    def _finish(self) -> None:
        """Put every run together whose jobs are all done, and record what it lacks."""
        ready = self.finishing.ready()
        with self.session.reporter.stage("runs", len(ready)) as stage:
            for count, run in enumerate(ready, 1):
                self.session.interrupts.stop_here()
                self._finish_one(run)
                stage.update(count)
        together = [run for run in ready if run.path not in self.failed]
        recorded = self.finishing.to_record(together) if self.options.slots else []
        failed = self._record(recorded)
        self.finishing.finished |= {run for run in together if run.path not in failed}
        if unrecorded := self.finishing.unrecorded:
            warn(
                f"{len(unrecorded)} runs were not recorded, because their checkpoints are not "
                f"here; the first is {unrecorded[0]}"
            )

    def _finish_one(self, run: PlannedRun) -> None:
        """Put one run together; a folder that is damaged must not stop the others."""
        try:
            self.finishing.finish(run)
            self.failed.pop(run.path, None)
        except FmbenchError as error:
            if run.path not in self.failed:
                self.session.reporter.say(f"{run.path} failed: {error}")
            self.failed[run.path] = str(error)

    def _record(self, runs: Sequence[RunToRecord]) -> set[str]:
        """Record what is missing, by the processes here; return the runs of which some failed."""
        of, orders = dict[str, str](), list[Order]()
        for run in runs:
            self.session.interrupts.stop_here()
            added = run.orders(self.message(Job(run.config)))
            of |= {order.name: run.name for order in added}
            orders += added
        if orders:
            processes = self.doing.processes(self.options.slots[: len(orders)])
            self.doing.counted("recordings of policies", orders, processes)
        return {run for name, run in of.items() if name in self.failed}


def _check_run(run: PlannedRun) -> None:
    """Reject a run that cannot be, before any work.

    Raises:
        FmbenchError: It cannot; the message names it.
    """
    try:
        check_runnable(run.config)
    except (FmbenchError, ValueError) as error:
        raise FmbenchError(f"section {run.section}, run {run.name}: {error}") from None
