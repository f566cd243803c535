"""Evaluation of a finished run's policies and experts with disturbances, beside without."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envs.perturb.catalogue import AXES, AxisEntry
from envs.perturb.world import axis_class, lack_of
from envs.registry import make_task
from fmbench.cli.folders import check_out, default_rescoring_folder
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.cli.user_code import users_code
from fmbench.config import STATE
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import EXPERT, Cell, Origin
from fmbench.evaluation.plan import Plan, plan_run
from fmbench.report.disturbances.draw import print_disturbances
from fmbench.report.results import read_results
from fmbench.runs.finish import show_run
from fmbench.runs.rescoring import Rescoring
from fmbench.runs.run_plugins import files_of_task
from fmbench.runs.saved_run import SavedRun, open_saved_run
from fmbench.storage.episode_files import Episodes
from fmbench.storage.hashes import short_hash
from fmbench.storage.rows import MeasurementRow
from policies.chunk_policy import ChunkPolicy

SHAPES = frozenset({"geom_size", "geom_pos", "geom_quat", "body_pos", "body_quat"})
"""Fields of the model that decide how a scene looks."""
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
        self.settings = {task: _possible(task, settings) for task in run.config.task}
        _check_possible(run, settings, self.settings)
        files = {file: sha for text in settings for file, sha in _entry(text).files.items()}
        request: dict[str, Any] = {"perturb": list(settings)}
        if files:
            request["axes"] = [f"{Path(file).name} {sha}" for file, sha in files.items()]
        for line in _skipped(run, settings, self.settings):
            session.reporter.say(line)
        plan = headlines_of(plan_run(run.config))
        super().__init__(run, plan, request, changes, out, session, command, accept_changes)

    def _planned_cells(self) -> int | None:
        """Return the number of cells to be evaluated; those of the run are only copied."""
        with_references = super()._planned_cells()
        assert with_references is not None  # no delay is measured
        seeds = self.config.seeds * len(self.policies)
        disturbed = sum(
            seeds + (not _entry(text).sees)
            for task in self.config.task
            for text in self.settings[task]
        )
        plain = [cell for task in self.config.task for cell in self._plain_cells(task)]
        missing = [cell for cell in plain if not self._rows_of_run(cell)]
        return with_references - seeds * len(self.config.task) + disturbed + len(missing)

    def _plain_cells(self, task: str) -> list[Cell]:
        """Return the headlines of a task without disturbance."""
        seeds = range(self.config.seeds)
        return [c for name in self.policies for s in seeds for c in self.plan.cells(task, name, s)]

    def _reference(self, cell: Cell) -> Episodes:
        """Return the episodes of the expert or of random actions, the expert's disturbed too."""
        episodes = super()._reference(cell)
        for text in self.settings[cell.task] if cell.policy == EXPERT else ():
            if not _entry(text).sees:
                episodes += self._disturbed(cell, text, self.origin, None)
        return episodes

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
        for text in self.settings[task]:
            episodes += self._disturbed(cell, text, origin, policy)
        return episodes, [cost]

    def _disturbed(
        self, cell: Cell, text: str, origin: Origin, policy: ChunkPolicy | None
    ) -> Episodes:
        disturbed = dataclasses.replace(cell, perturb=text)
        with users_code(disturbed.name, list(_entry(text).files)):
            return self.cells.episodes(disturbed, origin, policy)


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
    print_disturbances(read_results(out))
    show_run(out)


def _entry(text: str) -> AxisEntry:
    return AXES[text.partition("=")[0]]


def _possible(task: str, settings: Sequence[str]) -> list[str]:
    """Return the disturbances that a task can have."""
    files = [*files_of_task(task), *(file for text in settings for file in _entry(text).files)]
    with users_code(f"{task} {' '.join(settings)}", files):
        return [text for text in settings if not lack_of(make_task(task), text)]


def _check_possible(
    run: SavedRun, settings: Sequence[str], possible: Mapping[str, Sequence[str]]
) -> None:
    """Reject a disturbance that no task of the run can have, or that pictures do not."""
    for text in settings:
        if run.config.observation != STATE and (reason := _unseen(text)):
            others = " ".join(axis for axis in AXES if not _unseen(_any_level(axis)))
            raise FmbenchError(
                f"--perturb {text} changes {reason}, but the policies of {run.folder} see "
                f"pictures; axes for them: {others}"
            )
        if not any(text in texts for texts in possible.values()):
            task = run.config.task[0]
            have = sorted({axis for axis in AXES if not lack_of(make_task(task), _any_level(axis))})
            raise FmbenchError(
                f"--perturb {text}: {task} lacks this axis, because "
                f"{lack_of(make_task(task), text)}; it has {', '.join(have)}"
            )


def _unseen(text: str) -> str:
    """Return what a disturbance changes that pictures do not show; "" if they show it.

    Pictures are functions of positions and of what the task has drawn.
    """
    if _entry(text).sees:
        return "observed numbers"
    changed = SHAPES.intersection(axis_class(text.partition("=")[0]).model_fields)
    return "shapes, which are drawn as without it" if changed else ""


def _any_level(axis: str) -> str:
    return f"{axis}={'on' if AXES[axis].is_switch else AXES[axis].levels[0]}"


def _skipped(
    run: SavedRun, settings: Sequence[str], possible: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return one line for each disturbance that some tasks of the run lack."""
    lines = []
    for text in settings:
        tasks = [task for task, texts in possible.items() if text not in texts]
        if tasks:
            reason = lack_of(make_task(tasks[0]), text)
            lines.append(f"skipped {text} on {', '.join(tasks)}: {reason}")
    return lines
