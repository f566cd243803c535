"""Resumable re-scoring of the trained policies of a finished run with another sampler."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fmbench.cli.folders import check_out, default_rescoring_folder
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.config import RunConfig
from fmbench.evaluation.cells import EXPERT, RANDOM, Cell, Origin
from fmbench.evaluation.episodes import check_rows
from fmbench.runs.cell_store import CellStore
from fmbench.runs.finish import RunRows, finish_run, show_run
from fmbench.runs.preparation import check_runnable
from fmbench.runs.run_folder import open_run_folder, start_facts
from fmbench.runs.sampler_choice import Choice, SamplerRequest, choose_sampler
from fmbench.runs.saved_run import SavedRun, open_saved_run
from fmbench.storage.episode_files import Episodes, read_episodes
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow, MeasurementRow, TrainingRow


class Rescoring:
    """Evaluation of one sampler on the checkpoints of one run, in its own folder.

    The test episodes and all other values are those of the run. Rows of the expert and of random
    actions are copied from the run, unless more episodes are requested than it has.

    Args:
        run: The finished run.
        choice: The sampler and its steps for each policy.
        changes: Values that replace the run's, `episodes` and `device`.
        out: The new folder; an unfinished re-scoring of the same kind there is resumed.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.

    Raises:
        FmbenchError: The device or a checkpoint is not accepted, or `out` holds something else.
    """

    def __init__(
        self,
        run: SavedRun,
        choice: Choice,
        changes: Mapping[str, Any],
        out: Path,
        session: Session,
        command: str = "",
    ) -> None:
        self.saved, self.out, self.session = run, out, session
        self.plan, self.policies = choice.plan, tuple(choice.plan.steps)
        self.config: RunConfig = dataclasses.replace(run.config, **changes)
        check_runnable(self.config)
        run.check_policies(self.policies)
        self.run_episodes = read_episodes(run.folder)
        self.training = read_rows(run.folder / TrainingRow.file_name, TrainingRow)
        self.origin = Origin.of_run(self.config)
        rescores = {
            "run": run.folder.resolve().name,
            "config_hash": run.config.hash,
            "commit": run.facts.commit,
            "sampler": choice.sampler,
            "nfe": sorted(choice.nfe),
        }
        facts = dataclasses.replace(
            start_facts(self.config, run.task_hashes, command),
            rescores=rescores,
            planned_cells=self._planned_cells(),
        )
        self.facts = open_run_folder(out, facts, "fmbench.evaluate", session.reporter)
        for line in self.plan.skipped:
            session.reporter.say(f"skipped {line}")
        self.cells = CellStore(out, self.config, session)

    def run(self) -> None:
        """Do all remaining work and draw the tables and figures."""
        started = time.time()
        rows = RunRows(training=[row for row in self.training if row.policy in self.policies])
        for task in self.config.task:
            for reference in (EXPERT, RANDOM):
                rows.episodes += self._reference(Cell(task, reference))
            for policy in self.policies:
                for train_seed in range(self.config.seeds):
                    episodes, costs = self._score(task, policy, train_seed)
                    rows.episodes += episodes
                    rows.measurements += costs
        finish_run(self.out, rows, self.facts, started, self.session)

    def _planned_cells(self) -> int:
        """Return the number of cells to be evaluated; those of the run are only copied."""
        references = [Cell(t, policy) for t in self.config.task for policy in (EXPERT, RANDOM)]
        copied = [cell for cell in references if self._rows_of_run(cell)]
        return self.plan.size(self.config) - len(copied)

    def _rows_of_run(self, cell: Cell) -> list[EpisodeRow]:
        """Return the run's episodes of the expert or of random actions; none if it has too few."""
        rows = [row for row in self.run_episodes.rows if row.cell == cell.cell]
        return rows if len(rows) >= self.config.episodes else []

    def _reference(self, cell: Cell) -> Episodes:
        """Return the episodes of the expert or of random actions, from the run if it has enough."""
        rows = self._rows_of_run(cell)
        if not rows:
            return self.cells.episodes(cell, self.origin, None)
        origins = [row for row in self.run_episodes.origins if row.cell == cell.cell]
        episodes = Episodes(rows[: self.config.episodes], origins)
        path = self.saved.folder / EpisodeRow.file_name
        check_rows(path, episodes, cell, self.config, self.origin)
        return episodes

    def _score(
        self, task: str, name: str, train_seed: int
    ) -> tuple[Episodes, list[MeasurementRow]]:
        """Evaluate and measure one trained policy, its headline first."""
        policy, facts = self.saved.load(task, name, train_seed)
        origin = self.origin.of_checkpoint(facts)
        episodes = Episodes()
        costs: list[MeasurementRow] = []
        checkpoint = self.saved.checkpoint(task, name, train_seed)
        for cell in self.plan.cells(task, name, train_seed):
            scored = self.cells.episodes(cell, origin, policy)
            episodes += scored
            decides = not scored.has_errors
            costs.append(self.cells.measurement(cell, policy, checkpoint, decides))
        return episodes, costs


def run_rescoring(
    folder: Path,
    request: SamplerRequest,
    changes: Mapping[str, Any],
    out: Path | None,
    session: Session,
    command: str,
) -> None:
    """Score a run again in the process of a command, and print the table.

    Args:
        folder: The folder of the finished run.
        request: The requested sampler.
        changes: Values that replace the run's, `episodes` and `device`.
        out: The new folder; None for one next to the run.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
    """
    run = open_saved_run(folder)
    choice = choose_sampler(request, run.config.policy, str(run.folder))
    configure_torch(str(changes.get("device", run.config.device)))
    out = out or default_rescoring_folder(folder, choice.sampler, choice.nfe, changes)
    check_out(out)
    Rescoring(run, choice, changes, out, session, command).run()
    show_run(out)
