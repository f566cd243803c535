"""Record episodes of the assembled runs of a grid, those of each policy as a job of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fmbench.cli.session import Session
from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from fmbench.runs.grid.processes import Order
from fmbench.runs.recordings import (
    ToRecord,
    choose_of_run,
    files_of,
    missing_of,
    record_chosen,
    remove_others,
)
from fmbench.runs.run_folder import checkpoint_folder
from fmbench.runs.users_encoder import open_sights
from fmbench.storage.episode_files import read_episodes
from fmbench.storage.recordings import RECORDINGS_FOLDER

PAIRED = ("flow", "diffusion", "bc")
"""Policies of which episodes are recorded that only one of two solved."""


@dataclasses.dataclass(frozen=True)
class RunToRecord:
    """An assembled run of which episodes are to be recorded.

    Attributes:
        name: Its name, for messages.
        folder: Its folder.
        config: Its configuration.
        count: How many successes and failures of each policy.
        jobs: Policy to the folder of the job that has its checkpoints.
    """

    name: str
    folder: Path
    config: RunConfig
    count: int
    jobs: Mapping[str, Path]

    def orders(self, message: Mapping[str, Any]) -> list[Order]:
        """Return the jobs that record what is missing; remove what is not chosen any more.

        Args:
            message: What every job of the run has in common.
        """
        chosen = self._choose()
        remove_others(self.folder / RECORDINGS_FOLDER, files_of(chosen))
        missing = dict.fromkeys(each.cell.policy for each in missing_of(chosen))
        return [
            Order(f"{self.name}, recordings of {policy}", {**message, "record": self._json(policy)})
            for policy in missing
        ]

    def _json(self, policy: str) -> dict[str, Any]:
        return {
            "name": self.name,
            "folder": str(self.folder),
            "count": self.count,
            "policy": policy,
            "jobs": {policy: str(self.jobs[policy])},
        }

    def _choose(self) -> list[ToRecord]:
        folder, episodes = self.folder / RECORDINGS_FOLDER, read_episodes(self.folder)
        return choose_of_run(folder, self.config, episodes, self.count, PAIRED)

    def record(self, policy: str, session: Session) -> None:
        """Record the episodes of one policy that are not recorded yet.

        Raises:
            RunFailed: An episode does not end as its row says, or the disk is full.
        """
        chosen = [each for each in self._choose() if each.cell.policy == policy]
        sights = open_sights(self.config)
        try:
            record_chosen(self.config, chosen, self._checkpoint, session, sights)
        finally:
            sights.close()

    def _checkpoint(self, cell: Cell) -> Path:
        return checkpoint_folder(self.jobs[cell.policy], cell.task, cell.policy, cell.train_seed)


def record_policy(config: RunConfig, values: Mapping[str, Any], session: Session) -> None:
    """Record one policy of an assembled run; see `RunToRecord`.

    Args:
        config: The run.
        values: As the messages of `RunToRecord.orders` have them.
        session: Progress display and requests to stop.
    """
    jobs = {policy: Path(folder) for policy, folder in values["jobs"].items()}
    folder = Path(values["folder"])
    run = RunToRecord(values["name"], folder, config, values["count"], jobs)
    run.record(values["policy"], session)
