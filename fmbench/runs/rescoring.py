"""Resumable re-scoring of a finished run's trained policies: another sampler, or other episodes."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fmbench.cli.session import Session
from fmbench.cli.user_code import users_code
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.evaluation.cells import EXPERT, RANDOM, Cell, Origin
from fmbench.evaluation.episodes import check_origin, check_seeds, origin_row
from fmbench.evaluation.plan import Plan
from fmbench.runs.cell_store import CellStore
from fmbench.runs.delays import DelayedCells, check_measurable
from fmbench.runs.finish import RunRows, finish_run
from fmbench.runs.preparation import check_runnable
from fmbench.runs.run_folder import hold_run_folder, open_run_folder, start_facts
from fmbench.runs.run_plugins import files_of_policy, files_of_task
from fmbench.runs.saved_run import SavedRun
from fmbench.runs.users_encoder import open_sights, usable_encoder
from fmbench.storage.episode_files import Episodes
from fmbench.storage.finished import read_finished_rows
from fmbench.storage.rows import REFERENCES, EpisodeRow, MeasurementRow
from fmbench.storage.stamps import stamp_of
from policies.chunk_policy import ChunkPolicy

WRITER = "fmbench.evaluate"


class Rescoring:
    """Evaluation of some samplers on the checkpoints of one run, in its own folder.

    All values are those of the run, but for some changes, and there are no disturbances. Rows of
    the expert and of random actions are copied from the run, unless it lacks the requested
    episodes. On the run's episodes the latency of decisions is measured, on others it is not: it
    does not depend on them.

    Args:
        run: The finished run.
        plan: The samplers and their steps for each policy.
        request: What `run.json` states of the request besides the run.
        changes: Values that replace the run's: `episodes`, `device`, `encoder_weights` and
            `test_block`.
        out: The new folder; an unfinished re-scoring of the same kind there is resumed.
        session: Progress display and requests to stop.
        command: The command line, for `run.json`.
        accept_changes: Whether to continue a re-scoring that other code has started.
        draws: Whether tables and figures are drawn.
        copies_plain: Whether rows of plain cells are copied from the run where it has them.

    Raises:
        FmbenchError: The device or a checkpoint is not accepted, or the run has all rows already.
    """

    def __init__(
        self,
        run: SavedRun,
        plan: Plan,
        request: Mapping[str, Any],
        changes: Mapping[str, Any],
        out: Path,
        session: Session,
        command: str = "",
        accept_changes: bool = False,
        draws: bool = True,
        copies_plain: bool = False,
    ) -> None:
        self.saved, self.out, self.session, self.draws = run, out, session, draws
        self.copies_plain = copies_plain
        self.plan, self.policies = plan, tuple(plan.steps)
        self.config: RunConfig = dataclasses.replace(run.config, **{"perturb": (), **changes})
        check_runnable(self.config)
        self.rows = read_finished_rows(run.folder, run.facts)
        timed = any(row.latency_ms_p95 is not None for row in self.rows.measurements.rows)
        check_measurable(self.config, timed or self._has_the_runs_episodes)
        run.check_policies(self.policies)
        _check_encoder_weights(run, self.config)
        self.sights = open_sights(self.config)
        self._check_sights()
        self.run_episodes, self.training = self.rows.episodes, self.rows.training.rows
        self.origin = Origin()
        if (planned := self._planned_cells()) == 0:
            raise FmbenchError(
                f"{run.folder} has all of these rows; give another --delay or --execution"
            )
        rescores = {
            "run": run.folder.resolve().name,
            "config_hash": run.config_hash,
            "commit": run.facts.commit,
            **request,
        }
        self.new_facts = dataclasses.replace(
            start_facts(self.config, run.task_hashes, command),
            rescores=rescores,
            sights=self.sights.identities or None,
            planned_cells=planned,
        )
        self.accept_changes = accept_changes
        for line in filter(None, [run.skipped, *(f"skipped {line}" for line in self.plan.skipped)]):
            session.reporter.say(line)

    def run(self) -> None:
        """Do all remaining work and draw the tables and figures, while holding the folder's lock.

        Raises:
            FmbenchError: `out` is in use, or holds something else.
        """
        try:
            with hold_run_folder(self.out, f"python -m {WRITER}"):
                self._run()
        finally:
            self.sights.close()

    def _run(self) -> None:
        started = time.time()
        reporter = self.session.reporter
        facts = open_run_folder(self.out, self.new_facts, WRITER, reporter, self.accept_changes)
        self.cells = CellStore(
            self.out,
            self.config,
            self.session,
            facts.made_with,
            times_decisions=self._has_the_runs_episodes,
            sights=self.sights,
        )
        self.delayed = DelayedCells(self.config, self.plan, self.cells, self.rows.measurements.rows)
        rows = RunRows(
            training=[
                row
                for row in self.training
                if row.task in self.config.task and row.policy in self.policies
            ]
        )
        for task in self.config.task:
            with users_code(task, files_of_task(task)):
                for reference in (EXPERT, RANDOM):
                    rows.episodes += self._reference(Cell(task, reference))
            for policy in self.policies:
                files = files_of_policy(self.config, task, policy)
                with users_code(f"{task} {policy}", files), usable_encoder(self.config):
                    for train_seed in range(self.config.seeds):
                        episodes, costs = self._score(task, policy, train_seed)
                        rows.episodes += episodes
                        rows.measurements += costs
        finish_run(self.out, rows, facts, started, self.session, self.draws)

    def _check_sights(self) -> None:
        """Reject a run whose policies have seen other pictures than those of this machine."""
        for task, now in self.sights.identities.items():
            there = (self.saved.facts.sights or {}).get(task)
            if there != now:
                raise FmbenchError(
                    f"{self.saved.folder} was made with other pictures of {task} ({there} there, "
                    f"{now} now); score it again on a machine with the same renderer and packages"
                )

    @property
    def _has_the_runs_episodes(self) -> bool:
        return self.config.test_block == self.saved.config.test_block

    def _planned_cells(self) -> int | None:
        """Return the number of cells to be evaluated; those of the run are only copied."""
        size = self.plan.size(self.config)
        cells = [Cell(t, policy) for t in self.config.task for policy in (EXPERT, RANDOM)]
        if self.copies_plain:
            cells += [
                cell
                for task in self.config.task
                for policy in self.policies
                for seed in range(self.config.seeds)
                for cell in self.plan.cells(task, policy, seed)
            ]
        copied = [cell for cell in cells if self._rows_of_run(cell)]
        return None if size is None else size - len(copied)

    def _rows_of_run(self, cell: Cell) -> list[EpisodeRow]:
        """Return the run's episodes of a cell; none if it lacks some."""
        if not self._has_the_runs_episodes:
            return []
        places = self.run_episodes.places.get(tuple(cell.cell.values()), [])
        enough = len(places) >= self.config.episodes
        return [self.run_episodes.table.row(place) for place in places] if enough else []

    def _reference(self, cell: Cell) -> Episodes:
        """Return the episodes of the expert or of random actions, from the run if it has them."""
        copied = self._copied(cell, self.origin)
        return copied or self.cells.episodes(cell, self.origin, None)

    def _copied(self, cell: Cell, origin: Origin) -> Episodes | None:
        """Return the run's episodes of a cell, checked.

        It is None if the run lacks some, or its policy acted on another device.
        """
        rows = self._rows_of_run(cell)
        if not rows:
            return None
        (there,) = [row for row in self.run_episodes.origins if row.cell == cell.cell]
        path = self.saved.folder / EpisodeRow.file_name
        now = origin_row(cell, self.config, origin)
        if cell.policy not in REFERENCES and there.device != now.device:
            return None
        check_origin(path, there, dataclasses.replace(now, device=there.device), [stamp_of(there)])
        check_seeds(path, rows, self.config.test_block)
        return Episodes(rows[: self.config.episodes], [there])

    def _score(
        self, task: str, name: str, train_seed: int
    ) -> tuple[Episodes, list[MeasurementRow]]:
        """Evaluate and measure one trained policy, its headline first."""
        policy, facts = self.saved.load(task, name, train_seed)
        origin = self.origin.of_checkpoint(facts)
        episodes = Episodes()
        costs: list[MeasurementRow] = []
        checkpoint = self.saved.checkpoint(task, name, train_seed)
        plain = self.plan.cells(task, name, train_seed)
        for cell in plain:
            copied = self._copied(cell, origin) if self.copies_plain else None
            scored = copied or self.cells.episodes(cell, origin, policy)
            episodes += scored
            decides = not scored.has_errors
            cost = self._cost(cell, origin, policy, checkpoint, decides, copied is not None)
            costs += [cost]
            costs += self.delayed.measure(cell, origin, policy, checkpoint, cost, decides)
        for cell in plain:
            for further in self.delayed.cells(cell):
                episodes += self.cells.episodes(further, origin, policy)
        return episodes, costs

    def _cost(
        self,
        cell: Cell,
        origin: Origin,
        policy: ChunkPolicy,
        checkpoint: Path,
        decides: bool,
        is_copied: bool,
    ) -> MeasurementRow:
        """Return the cost of a cell's decisions, that of the run if its episodes are."""
        for row in self.rows.measurements.rows if is_copied else ():
            if row.cell == cell.cell:
                return dataclasses.replace(row, headline=cell.headline)
        return self.cells.measurement(cell, origin, policy, checkpoint, decides)


def _check_encoder_weights(run: SavedRun, config: RunConfig) -> None:
    """Check that a file of weights is given if the run's encoder had one, of which it has the name.

    Raises:
        FmbenchError: The file is not there, or is given without need.
    """
    name, given = run.config.encoder_weights, config.encoder_weights
    if name is None and given is not None:
        raise FmbenchError(
            f"--encoder-weights is {given}, but the encoder of {run.folder} had no such file; "
            "leave it out"
        )
    if given is not None and not Path(given).is_file():
        raise FmbenchError(
            f"--encoder-weights: there is no file {given} here; give the file {name}, with which "
            f"{run.folder} was made"
        )
