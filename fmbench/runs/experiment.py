"""A resumable experiment: demonstrations, training, evaluation, tables and figures."""

import dataclasses
import time
from pathlib import Path

from envs.task_hash import task_hash
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.cli.user_code import users_code
from fmbench.config import RunConfig
from fmbench.evaluation.cells import EXPERT, RANDOM, Cell, Origin
from fmbench.evaluation.contact_sheets import draw_contact_sheet
from fmbench.evaluation.plan import plan_run
from fmbench.runs.cell_store import CellStore
from fmbench.runs.delays import DelayedCells, check_measurable
from fmbench.runs.demonstrating import demonstrate
from fmbench.runs.disturbances import (
    check_disturbances,
    disturbed_episodes,
    skipped_disturbances,
)
from fmbench.runs.expected import pieces_of_policy, pieces_of_run, sheet_piece
from fmbench.runs.finish import RunRows, finish_run, show_run
from fmbench.runs.given import described, read_given
from fmbench.runs.preparation import check_found_demonstrations, check_runnable
from fmbench.runs.recordings import record_run
from fmbench.runs.run_folder import (
    checkpoint_folder,
    contact_sheet_file,
    hold_run_folder,
    open_run_folder,
    start_facts,
)
from fmbench.runs.run_options import AS_USUAL, RunOptions
from fmbench.runs.run_plugins import files_of_policy, files_of_task
from fmbench.runs.teachers import find_teachers, taught_first, teachers_of
from fmbench.runs.trainer import Trainer
from fmbench.runs.training_data import TrainingData, of_states, prepare
from fmbench.runs.training_time import check_time
from fmbench.runs.users_encoder import encoders_code, open_sights, usable_encoder
from fmbench.runs.watching import open_watchers
from fmbench.storage.episode_files import Episodes
from fmbench.storage.recordings import RECORDINGS_FOLDER
from fmbench.storage.rows import EpisodeRow, TrainingRow
from fmbench.storage.run_facts import MadeDemonstrations, RunFacts
from fmbench.training.checkpoint_facts import read_progress
from fmbench.training.checkpoints import load_policy
from policies.chunk_policy import ChunkPolicy


class Experiment:
    """One run, in one folder.

    Args:
        config: What to run.
        out: The run's folder; an unfinished run of the same configuration there is resumed.
        data: Folder of all demonstrations.
        session: Progress display and requests to stop.
        options: How to do it.

    Raises:
        FmbenchError: The configuration cannot be run here.
    """

    def __init__(
        self,
        config: RunConfig,
        out: Path,
        data: Path,
        session: Session,
        options: RunOptions = AS_USUAL,
    ) -> None:
        self.out, self.data, self.session = out, data, session
        check_runnable(config)
        self.given = read_given(config, config.demos if options.demos_is_given else None)
        if self.given is not None:
            used = len(self.given.demonstrations.lengths)
            config = dataclasses.replace(config, demos=used)
            session.reporter.say(described(config, self.given))
        self.config = config
        check_measurable(config, options.times_decisions)
        possible = check_disturbances(config.perturb, config.task, config.observation)
        self.origin = Origin()
        self.sights = open_sights(config)
        if not (options.yes_slow or self._has_trained()):
            with encoders_code(config):
                check_time(config, self.sights)
        found = check_found_demonstrations(config, data, self.sights) | self._given_hashes()
        self.teachers = find_teachers(config, found, self.sights)
        self.options = options
        self.watchers = open_watchers(out, options.tensorboard, options.live, session.reporter.say)
        self.plan = plan_run(config, options.nfe_is_given)
        for line in self.plan.skipped:
            session.reporter.say(f"skipped {line}")
        for line in skipped_disturbances(possible, config.perturb):
            session.reporter.say(line)
        for line in taught_first(config):
            session.reporter.say(line)

    def run(self) -> None:
        """Do all remaining work and draw the tables and figures, while holding the folder's lock.

        Raises:
            FmbenchError: `out` is in use, or holds another run or other files.
            RunFailed: The run cannot be finished, e.g. because a loss became NaN.
        """
        try:
            with hold_run_folder(self.out, "python -m fmbench.run"):
                self._run()
        finally:
            self.sights.close()

    def _run(self) -> None:
        started = time.time()
        self.facts = self._open()
        self.trainer = Trainer(
            self.config, self.out, self.teachers, self.session, on_log=self.watchers.trained
        )
        self.cells = CellStore(
            self.out,
            self.config,
            self.session,
            self.facts.made_with,
            self.options.times_decisions,
            self.sights,
            self.watchers.evaluated,
        )
        self.delayed = DelayedCells(self.config, self.plan, self.cells)
        self.rows = RunRows()
        self._expect()
        made: dict[str, MadeDemonstrations] = {}
        teachers = dict(self.facts.teachers or {})
        for task in self.config.task:
            with users_code(task, files_of_task(task)):
                for policy in (EXPERT, RANDOM) if self.options.references else ():
                    reference = Cell(task, policy)
                    self.rows.episodes += self.cells.episodes(reference, self.origin, None)
                    self._disturb(reference, self.origin, None)
                data, made[task] = self._demonstrations(task)
            self.trainer.train_ahead(task, self.config.policy, data)
            for policy in self.config.policy:
                files = files_of_policy(self.config, task, policy)
                with users_code(f"{task} {policy}", files), usable_encoder(self.config):
                    trained = self.trainer.train(task, policy, data)
                    teachers |= trained.teachers
                    for train_seed, folder in enumerate(trained.checkpoints):
                        self._evaluate(task, policy, train_seed, folder)
        facts = dataclasses.replace(self.facts, demonstrations=made, teachers=teachers or None)
        finish_run(self.out, self.rows, facts, started, self.session, self.options.draws)
        self.watchers.finished()
        if self.options.record:
            self._record()

    def _has_trained(self) -> bool:
        """Return whether every policy has a checkpoint: training was finished or agreed to."""
        return all(
            checkpoint_folder(self.out, task, policy, train_seed).exists()
            for task in self.config.task
            for policy in self.config.policy
            for train_seed in range(self.config.seeds)
        )

    def _open(self) -> RunFacts:
        """Create the run folder, or resume the existing one."""
        hashes = {task: task_hash(task) for task in self.config.task}
        facts = dataclasses.replace(
            start_facts(self.config, hashes, self.options.command),
            teachers=self._known_teachers(),
            sights=self.sights.identities or None,
            given=self._given_hashes() or None,
            demonstrations={},
            planned_cells=self.plan.size(self.config, self.options.references),
        )
        return open_run_folder(
            self.out, facts, "fmbench.run", self.session.reporter, self.options.accept_changes
        )

    def _expect(self) -> None:
        """Plan the pieces of the run, for the time left that is shown."""
        reporter, options = self.session.reporter, self.options
        if reporter.is_shown:
            references, times = options.references, options.times_decisions
            pieces = pieces_of_run(self.config, self.plan, references, times, options.draws)
            reporter.outlook.plan(pieces)

    def _known_teachers(self) -> dict[str, str] | None:
        """Return the teachers' weights that are known before training; None without teachers."""
        if self.teachers is not None:
            return self.teachers.weights
        return {} if teachers_of(self.config) else None

    def _given_hashes(self) -> dict[str, str]:
        """Return task to the hash of the demonstrations that the user gave."""
        return {} if self.given is None else {self.config.task[0]: self.given.demonstrations.sha256}

    def _demonstrations(self, task: str) -> tuple[TrainingData, MadeDemonstrations]:
        """Make or find a task's demonstrations; return their windows and how they were made."""
        if self.given is not None:
            counts = {"attempted": self.given.found, "failed": self.given.unsuccessful}
            data = of_states(self.config, self.given.demonstrations, task)
            return data, MadeDemonstrations(self.config.demos, **counts, sha256=data.sha256)
        folder = demonstrate(self.config, task, self.data, self.session)
        sight = self.sights.of(task)
        data, demonstrations = prepare(self.config, folder, sight, task, self.session)
        self.session.reporter.outlook.skip(f"{task} pictures", f"{task} features")  # found
        counts = {
            name: int(demonstrations.manifest[name]) for name in ("episodes", "attempted", "failed")
        }
        made = MadeDemonstrations(**counts, sha256=demonstrations.sha256)
        return data, made

    def _evaluate(self, task: str, name: str, train_seed: int, folder: Path) -> None:
        """Roll out one trained policy with each of its samplers, and measure it."""
        policy, facts = load_policy(folder)
        origin = self.origin.of_checkpoint(facts)
        plain = self.plan.cells(task, name, train_seed)
        for cell in plain:
            episodes = self.cells.episodes(cell, origin, policy)
            self.rows.episodes += episodes
            decides = not episodes.has_errors
            cost = self.cells.measurement(cell, origin, policy, folder, decides)
            self.rows.measurements += [
                cost,
                *self.delayed.measure(cell, origin, policy, folder, cost, decides),
            ]
            diagnostic = self.cells.diagnostic(cell, origin, policy, decides)
            self.rows.diagnostics += [] if diagnostic is None else [diagnostic]
            if cell.headline and train_seed == 0:
                self._draw_contact_sheet(cell, episodes.rows, policy)
        for cell in plain:
            for further in self.delayed.cells(cell):
                self.rows.episodes += self.cells.episodes(further, origin, policy)
        for headline in plain[:1]:
            self._disturb(headline, origin, policy)
        log = read_progress(folder, facts).log
        pieces = pieces_of_policy(self.config, self.plan, task, name, train_seed)
        self.session.reporter.outlook.skip(*(piece.name for piece in pieces))  # what it lacks
        self.rows.training += [
            TrainingRow(task, name, train_seed, **dataclasses.asdict(e)) for e in log
        ]

    def _disturb(self, cell: Cell, origin: Origin, policy: ChunkPolicy | None) -> None:
        """Roll out a headline or the expert with each disturbance that it can have."""

        def play(disturbed: Cell) -> Episodes:
            return self.cells.episodes(disturbed, origin, policy)

        self.rows.episodes += disturbed_episodes(cell, self.config.perturb, play)

    def _record(self) -> None:
        """Record episodes of every policy; see `choose_episodes`."""

        def checkpoint(cell: Cell) -> Path:
            return checkpoint_folder(self.out, cell.task, cell.policy, cell.train_seed)

        folder, count = self.out / RECORDINGS_FOLDER, self.options.record
        paths = record_run(
            folder, self.config, self.rows.episodes, count, checkpoint, self.session, self.sights
        )
        size = sum(path.stat().st_size for path in paths)
        self.session.reporter.say(f"{len(paths)} recordings, {size / 1024:.0f} KiB: {folder}")

    def _draw_contact_sheet(self, cell: Cell, rows: list[EpisodeRow], policy: ChunkPolicy) -> None:
        path = contact_sheet_file(self.out, cell.task, cell.policy)
        if path.exists() or not self.options.draws:
            return
        try:
            sight = self.sights.of(cell.task)
            with self.session.reporter.outlook.during(sheet_piece(cell)):
                draw_contact_sheet(path, cell, self.config, rows, policy, sight)
        except RuntimeError as error:
            self.session.reporter.say(f"No contact sheet of {cell.name}: {error}")


def run_experiment(
    config: RunConfig,
    out: Path,
    data: Path,
    session: Session,
    options: RunOptions,
) -> None:
    """Run an experiment in the process of a command, and print its table."""
    configure_torch(config.device)
    Experiment(config, out, data, session, options).run()
    show_run(out)
