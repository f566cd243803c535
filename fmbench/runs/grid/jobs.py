"""Jobs of a grid: what is trained and evaluated in one go, once for all sections that show it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fmbench.config import RunConfig, config_hash
from fmbench.evaluation.plan import plan_run
from fmbench.runs.grid.planned import JOBS_FOLDER, PlannedRun
from policies.catalogue import POLICIES

TIMED = "-timed"
"""End of the name of a job whose decisions are timed."""
REFERENCES_JOB = "references"
"""In the name of a job that trains no policy, but plays the expert and random actions."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One task by one setting, with one policy or with a teacher and those that learn from it.

    The expert and random actions are played by a job of their own, once for all policies.

    Attributes:
        config: Its configuration; that of a run of its own, or one without a policy.
        latency: Whether the latency of its decisions is measured, for which it runs alone.
    """

    config: RunConfig
    latency: bool = False

    @property
    def name(self) -> str:
        """Name of its folder."""
        policies = "-".join(self.config.policy) or REFERENCES_JOB
        return f"{self.config.task[0]}-{policies}-{self.config.hash}{TIMED * self.latency}"

    @property
    def setting(self) -> str:
        """Name of what it shares with jobs that differ in their policies only."""
        return setting_of(self.config.to_json(), self.latency)

    @property
    def cells(self) -> int:
        """Number of its cells."""
        return plan_run(self.config).most_cells(self.config, references=not self.trains)

    @property
    def trains(self) -> bool:
        """Whether it trains a policy; if not, it plays the references."""
        return bool(self.config.policy)

    def folder(self, out: Path) -> Path:
        """Return the folder of its run."""
        return out / JOBS_FOLDER / self.name


def setting_of(config: Mapping[str, Any], latency: bool) -> str:
    """Return the setting of a configuration, given as JSON; see `Job.setting`."""
    return config_hash({**config, "policy": []}) + TIMED * latency


@dataclasses.dataclass(frozen=True)
class GridPlan:
    """Which jobs a grid needs, and which of them each run shows.

    Attributes:
        jobs: All jobs, in the order of the grid; no two train the same policy in the same way.
        jobs_of: Each run to its jobs.
    """

    jobs: tuple[Job, ...]
    jobs_of: dict[PlannedRun, tuple[Job, ...]]

    def of_sections(self, names: Iterable[str]) -> GridPlan:
        """Return the plan of some sections only; their jobs stay what they are."""
        wanted = set(names)
        kept = {run: jobs for run, jobs in self.jobs_of.items() if run.section in wanted}
        needed = {job for jobs in kept.values() for job in jobs}
        return GridPlan(tuple(job for job in self.jobs if job in needed), kept)


def plan_jobs(
    runs: Sequence[PlannedRun], finished: Mapping[str, Sequence[tuple[str, ...]]] | None = None
) -> GridPlan:
    """Divide the runs of a grid into jobs.

    Runs that differ in their policies only share jobs, whatever their sections.

    Args:
        runs: The runs.
        finished: Setting to the policies of each job of it that has finished, whatever the grid
            was then; what is in one of them is not planned again.
    """
    wanted: dict[Job, list[str]] = {}
    for run in runs:
        wanted.setdefault(_setting(run), []).extend(run.config.policy)
    jobs: dict[Job, list[Job]] = {}
    for setting, policies in wanted.items():
        left = dict.fromkeys(policies)
        groups: list[tuple[str, ...]] = [()]
        for group in (finished or {}).get(setting.setting, ()):
            if set(group) & set(left):
                groups.append(group)
                left = dict.fromkeys(name for name in left if name not in group)
        groups += _groups(left)
        jobs[setting] = [
            dataclasses.replace(setting, config=dataclasses.replace(setting.config, policy=group))
            for group in groups
        ]
    jobs_of = {
        run: tuple(
            job
            for job in jobs[_setting(run)]
            if not job.trains or set(job.config.policy) & set(run.config.policy)
        )
        for run in runs
    }
    return GridPlan(tuple(job for group in jobs.values() for job in group), jobs_of)


def _setting(run: PlannedRun) -> Job:
    """Return what a run shares with those that differ in their policies only."""
    return Job(dataclasses.replace(run.config, policy=()), run.latency)


def _groups(policies: Iterable[str]) -> list[tuple[str, ...]]:
    """Put each policy together with those that learn from it, the teacher first."""
    names = list(policies)
    groups: dict[str, list[str]] = {}
    for name in names:
        teacher = POLICIES[name].teacher
        groups.setdefault(teacher if teacher in names else name, []).append(name)
    return [
        tuple(sorted(group, key=lambda name: (name != first, names.index(name))))
        for first, group in groups.items()
    ]
