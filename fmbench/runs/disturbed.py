"""Evaluation of a finished run's policies and experts with disturbances, beside without."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fmbench.cli.folders import check_out, default_rescoring_folder
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.evaluation.cells import EXPERT, Cell, Origin
from fmbench.evaluation.disturbances import axis_of, disturbed_cells
from fmbench.evaluation.plan import Plan, plan_run
from fmbench.runs.disturbances import (
    check_disturbances,
    disturbed_episodes,
    skipped_disturbances,
)
from fmbench.runs.finish import show_run
from fmbench.runs.rescoring import Rescoring
from fmbench.runs.saved_run import SavedRun, open_saved_run
from fmbench.storage.episode_files import Episodes
from fmbench.storage.hashes import short_hash
from fmbench.storage.rows import MeasurementRow
from policies.chunk_policy import ChunkPolicy

_LONG = 60
"""Most characters of the settings in the name of a folder."""


class Disturbed(Rescoring):
    """Evaluation of the headlines and the experts of one run under some disturbances.

    Each is evaluated on the same episodes without disturbance too; where the run has these rows,
    they are copied. The expert is left out of disturbances of observations, which it does not
    read. Random actions are evaluated without disturbance only.

    Args:
        run: The finished run.
        settings: The disturbances, e.g. "mass=2".
        changes: Values that replace the run's: `episodes`, `device` and `encoder_weights`.
        out: The new folder; an unfinished evaluation of the same kind there is resumed.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue an evaluation that other code has started.

    Raises:
        FmbenchError: No task of the run can be disturbed so, or its policies see pictures and a
            disturbance is one of observations.
    """

    def __init__(
        self,
        run: SavedRun,
        settings: Sequence[str],
        changes: Mapping[str, Any],
        out: Path,
        session: Session,
        command: str = "",
        accept_changes: bool = False,
    ) -> None:
        config, whose = run.config, f" of {run.folder}"
        possible = check_disturbances(settings, config.task, config.observation, whose)
        self.settings = tuple(settings)
        files = {file: sha for text in settings for file, sha in axis_of(text).files.items()}
        request: dict[str, Any] = {"perturb": list(settings)}
        if files:
            request["axes"] = [f"{Path(file).name} {sha}" for file, sha in files.items()]
        for line in skipped_disturbances(possible, settings):
            session.reporter.say(line)
        plan = headlines_of(plan_run(run.config))
        super().__init__(run, plan, request, changes, out, session, command, accept_changes)

    def _planned_cells(self) -> int | None:
        """Return the number of cells to be evaluated, None of none; the run's are only copied."""
        with_references = super()._planned_cells()
        assert with_references is not None  # no delay is measured
        plain = [cell for task in self.config.task for cell in self._plain_cells(task)]
        disturbed = [
            cell
            for one in (*plain, *(Cell(task, EXPERT) for task in self.config.task))
            for cell in disturbed_cells(one, self.settings)
        ]
        missing = [cell for cell in (*plain, *disturbed) if not self._rows_of_run(cell)]
        return with_references - len(plain) + len(missing) or None

    def _plain_cells(self, task: str) -> list[Cell]:
        """Return the headlines of a task without disturbance."""
        seeds = range(self.config.seeds)
        return [c for name in self.policies for s in seeds for c in self.plan.cells(task, name, s)]

    def _reference(self, cell: Cell) -> Episodes:
        """Return the episodes of the expert or of random actions, the expert's disturbed too."""
        episodes = super()._reference(cell)
        return episodes + self._disturbed(cell, self.origin, None)

    def _score(
        self, task: str, name: str, train_seed: int
    ) -> tuple[Episodes, list[MeasurementRow]]:
        """Return the episodes of one trained policy with and without disturbance, and its cost."""
        policy, facts = self.saved.load(task, name, train_seed)
        origin = self.origin.of_checkpoint(facts)
        (cell,) = self.plan.cells(task, name, train_seed)
        copied = self._copied(cell, origin)
        episodes = copied or self.cells.episodes(cell, origin, policy)
        folder, decides = self.saved.checkpoint(task, name, train_seed), not episodes.has_errors
        cost = self._cost(cell, origin, policy, folder, decides, copied is not None)
        return episodes + self._disturbed(cell, origin, policy), [cost]

    def _disturbed(self, cell: Cell, origin: Origin, policy: ChunkPolicy | None) -> Episodes:
        """Return the disturbed episodes of a headline or an expert, the run's where it has them."""

        def play(disturbed: Cell) -> Episodes:
            copied = self._copied(disturbed, origin)
            return copied or self.cells.episodes(disturbed, origin, policy)

        return disturbed_episodes(cell, self.settings, play)


def headlines_of(plan: Plan) -> Plan:
    """Return the part of a plan that has the headline of every policy only."""
    steps = {}
    for policy, samplers in plan.steps.items():
        if samplers:
            cell = plan.cells("", policy, 0)[0]
            steps[policy] = {cell.sampler: (cell.steps,)}
    return dataclasses.replace(plan, steps=steps, skipped=(), acting={})


def run_disturbed(
    folder: Path,
    settings: Sequence[str],
    changes: Mapping[str, Any],
    out: Path | None,
    session: Session,
    command: str,
    accept_changes: bool,
) -> None:
    """Evaluate a run with disturbances in the process of a command, and print the tables.

    Args:
        folder: The folder of the finished run.
        settings: The disturbances.
        changes: Values that replace the run's: `episodes`, `device` and `encoder_weights`.
        out: The new folder; None for one next to the run.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue an evaluation that other code has started.
    """
    run = open_saved_run(folder)
    configure_torch(str(changes.get("device", run.config.device)))
    named = {name: value for name, value in changes.items() if name != "encoder_weights"}
    words = "-".join(text.replace("=", "") for text in settings)
    words = words if len(words) <= _LONG else short_hash(words)
    out = out or default_rescoring_folder(folder, f"perturb-{words}", (), named)
    check_out(out)
    Disturbed(run, settings, changes, out, session, command, accept_changes).run()
    show_run(out)
