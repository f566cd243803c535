"""Record episodes of the assembled runs of a grid, those of each policy as a job of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
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
    recording_file,
    remove_others,
)
from fmbench.runs.run_folder import checkpoint_folder
from fmbench.runs.users_encoder import open_sights
from fmbench.storage.episode_files import read_episodes
from fmbench.storage.recordings import RECORDINGS_FOLDER
from fmbench.storage.rows import EpisodeRow

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
        folder, episodes = self.folder / RECORDINGS_FOLDER, read_episodes(self.folder)
        chosen = choose_of_run(folder, self.config, episodes, self.count, PAIRED)
        remove_others(folder, files_of(chosen))
        by_policy: dict[str, list[ToRecord]] = {}
        for each in missing_of(chosen):
            by_policy.setdefault(each.cell.policy, []).append(each)
        return [
            Order(
                f"{self.name}, recordings of {policy}",
                {**message, "record": self._json(missing, self.jobs[policy])},
            )
            for policy, missing in by_policy.items()
        ]

    def _json(self, missing: Sequence[ToRecord], job: Path) -> dict[str, Any]:
        """Return episodes to record as a process gets them, which need not read all rows again."""
        cells = [
            {
                "cell": dataclasses.asdict(each.cell),
                "rows": [dataclasses.asdict(row) for row in each.files.values()],
                "weights_hash": each.weights_hash,
            }
            for each in missing
        ]
        return {"folder": str(self.folder / RECORDINGS_FOLDER), "job": str(job), "cells": cells}


def record_policy(config: RunConfig, values: Mapping[str, Any], session: Session) -> None:
    """Record the episodes of one policy of an assembled run that are not recorded yet.

    Args:
        config: The run.
        values: As the messages of `RunToRecord.orders` have them.
        session: Progress display and requests to stop.

    Raises:
        RunFailed: An episode does not end as its row says, or the disk is full.
    """
    chosen = [_to_record(Path(values["folder"]), **each) for each in values["cells"]]

    def checkpoint(cell: Cell) -> Path:
        return checkpoint_folder(Path(values["job"]), cell.task, cell.policy, cell.train_seed)

    sights = open_sights(config)
    try:
        record_chosen(config, chosen, checkpoint, session, sights)
    finally:
        sights.close()


def _to_record(
    folder: Path, cell: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], weights_hash: str
) -> ToRecord:
    of, episodes = Cell(**cell), [EpisodeRow(**row) for row in rows]
    files = {recording_file(folder, of, row.episode_seed): row for row in episodes}
    return ToRecord(of, files, weights_hash)
