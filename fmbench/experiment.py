"""Run an experiment: demonstrations, training, evaluation, tables and figures, resumable.

The one module that introduces the tasks to the policies.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import torch

from envs.registry import make_task, task_hash
from fmbench.cells import CellStore
from fmbench.checkpoints import (
    STATE_FILE,
    load_policy,
    restore_checkpoint,
    save_checkpoint,
    say_kept,
)
from fmbench.config import RunConfig
from fmbench.contact_sheets import draw_contact_sheet
from fmbench.dataset import load_demonstrations
from fmbench.errors import RunFailed
from fmbench.evaluation import EXPERT, RANDOM, Cell, Origin, plan_cells
from fmbench.figures import draw_all
from fmbench.interrupts import Interrupts
from fmbench.preparation import check_found_demonstrations, check_runnable, demonstrate
from fmbench.progress import Reporter
from fmbench.provenance import commit
from fmbench.records import (
    EpisodeRow,
    MeasurementRow,
    TrainingRow,
    read_json,
    write_json_atomic,
    write_rows,
)
from fmbench.run_folder import RUN_FILE, checkpoint_folder, open_run_folder, start_facts
from fmbench.teachers import Teacher, TeacherRun, load_teacher, teachers_of
from fmbench.training import TrainConfig, start_training
from fmbench.training_loop import train
from fmbench.windows import Windows, make_windows
from policies.backbones import DEFAULT_CONDITIONING
from policies.backbones.sizes import network_size
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig
from policies.objectives import OBJECTIVES

CHECKPOINT_UPDATES = 1000


@dataclasses.dataclass(frozen=True)
class Data:
    """A task's demonstrations, laid out for training."""

    windows: Windows
    sha256: str


class Experiment:
    """One run, in one folder.

    Args:
        config: What to run.
        out: The run's folder; an unfinished run of the same configuration there is resumed.
        data: Folder of all demonstrations.
        reporter: Shows progress.
        interrupts: Says when to stop.
        command: The command line, for `run.json`.

    Raises:
        FmbenchError: The configuration cannot be run here, or `out` holds another run.
    """

    def __init__(
        self,
        config: RunConfig,
        out: Path,
        data: Path,
        reporter: Reporter,
        interrupts: Interrupts,
        command: str = "",
    ) -> None:
        self.config, self.out, self.data = config, out, data
        self.reporter, self.interrupts = reporter, interrupts
        check_runnable(config)
        self.train_config = TrainConfig(
            updates=config.updates,
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            precision=config.precision,
        )
        self.origin = Origin(config=config.hash, commit=commit(), device=config.device)
        found = check_found_demonstrations(config, data)
        self.teachers: TeacherRun | None = None
        if config.from_run is not None:
            learners = {task: policy_config(config, task, config.policy[0]) for task in config.task}
            self.teachers = TeacherRun(config, learners, found)
        self.facts = self._open(command)
        self.cells = CellStore(out, config, reporter, interrupts)
        self.episodes: list[EpisodeRow] = []
        self.measurements: list[MeasurementRow] = []
        self.training: list[TrainingRow] = []

    def run(self) -> None:
        """Do everything that is not done yet; draw the tables and figures."""
        started = time.time()
        for task in self.config.task:
            for policy in (EXPERT, RANDOM):
                self.episodes += self.cells.episodes(Cell(task, policy), self.origin, None)
            data = self._demonstrations(task)
            for policy in self.config.policy:
                for train_seed in range(self.config.seeds):
                    self._train_and_evaluate(task, policy, train_seed, data)
        self._write_rows()
        if not self.facts["complete"]:
            self.facts |= {"complete": True, "seconds": round(time.time() - started, 1)}
            write_json_atomic(self.out / RUN_FILE, self.facts)
        with self.reporter.stage("tables and figures", 1):
            draw_all(self.out)

    def _open(self, command: str) -> dict[str, Any]:
        """Begin the run folder, or take up the one that is there."""
        identity: dict[str, dict[str, Any]] = {
            "config": self.config.to_json(),
            "task_hashes": {task: task_hash(task) for task in self.config.task},
        }
        facts: dict[str, Any] = {
            **start_facts(self.config.preset, command),
            "demonstrations": {},
        }
        if self.teachers is not None:
            identity["teachers"] = self.teachers.weights
        elif teachers_of(self.config):
            facts["teachers"] = {}
        return open_run_folder(self.out, identity, facts, "fmbench.run", self.reporter)

    def _demonstrations(self, task: str) -> Data:
        folder = demonstrate(self.config, task, self.data, self.reporter, self.interrupts)
        demonstrations = load_demonstrations(folder, task)
        windows = make_windows(
            demonstrations,
            self.config.obs_horizon,
            self.config.pred_horizon,
            self.config.device,
        )
        facts = {
            name: demonstrations.manifest[name] for name in ("episodes", "attempted", "failed")
        }
        self.facts["demonstrations"][task] = {**facts, "sha256": demonstrations.sha256}
        return Data(windows, demonstrations.sha256)

    def _train_and_evaluate(self, task: str, name: str, train_seed: int, data: Data) -> None:
        folder = checkpoint_folder(self.out, task, name, train_seed)
        self._train(folder, task, name, train_seed, data)
        policy, facts = load_policy(folder)
        origin = dataclasses.replace(
            self.origin,
            weights=str(facts["sha256"]["ema.safetensors"])[:16],
            demonstrations=data.sha256[:16],
        )
        for cell in plan_cells(self.config, task, name, train_seed):
            rows = self.cells.episodes(cell, origin, policy)
            self.episodes += rows
            self.measurements.append(self.cells.measurement(cell, policy, folder))
            if cell.headline and train_seed == 0:
                self._film(cell, rows, policy)
        log = read_json(folder / STATE_FILE)["log"]
        self.training += [TrainingRow(task, name, train_seed, **entry) for entry in log]

    def _train(self, folder: Path, task: str, name: str, train_seed: int, data: Data) -> None:
        teacher = self._teacher(task, name, train_seed, data)
        state = start_training(
            policy_config(self.config, task, name), self.train_config, data.windows, train_seed,
            self.config.device, teacher.policy if teacher else None,
        )  # fmt: skip
        origin = {"task_hash": task_hash(task), "demonstrations": data.sha256}
        origin["train_seed"] = str(train_seed)
        if teacher:
            origin["teacher"] = teacher.weights
        if folder.exists():
            restore_checkpoint(folder, state, self.train_config, origin)
        if state.update >= self.train_config.updates:
            return
        label = f"{task} {name} training" + (f", seed {train_seed}" if train_seed else "")
        with self.reporter.stage(label, self.train_config.updates, state.update) as stage:

            def count(update: int) -> None:
                if update % 10 == 0:
                    stage.update(update)
                if update % CHECKPOINT_UPDATES == 0:
                    save_checkpoint(folder, state, self.train_config, origin)

            try:
                train(
                    state,
                    self.train_config,
                    data.windows,
                    should_stop=lambda: self.interrupts.requested,
                    on_update=count,
                )
                save_checkpoint(folder, state, self.train_config, origin)
            except RunFailed as error:
                where = f"{task} {name} seed {train_seed}"
                raise RunFailed(f"{where}: {error}; {say_kept(folder)}") from error
            self.interrupts.stop_here()

    def _teacher(self, task: str, name: str, train_seed: int, data: Data) -> Teacher | None:
        """Return what a policy learns from, if anything; train it if it is this run's own."""
        policy = OBJECTIVES[name].teacher
        if policy is None:
            return None
        if self.teachers is not None:
            return self.teachers.load(task, policy, train_seed, data.sha256)
        folder = checkpoint_folder(self.out, task, policy, train_seed)
        self._train(folder, task, policy, train_seed, data)
        teacher = load_teacher(folder)
        self.facts["teachers"][teacher.name] = teacher.weights
        return teacher

    def _film(self, cell: Cell, rows: list[EpisodeRow], policy: ChunkPolicy) -> None:
        path = self.out / "figures" / f"contact_sheet_{cell.task}_{cell.policy}.png"
        if path.exists():
            return
        try:
            draw_contact_sheet(path, cell, self.config, rows, policy)
        except RuntimeError as error:
            self.reporter.say(f"No contact sheet of {cell.name}: {error}")

    def _write_rows(self) -> None:
        """Write the rows of all cells, in the order of their evaluation, as the run's files."""
        write_rows(self.out / EpisodeRow.file_name, self.episodes, EpisodeRow)
        write_rows(self.out / MeasurementRow.file_name, self.measurements, MeasurementRow)
        write_rows(self.out / TrainingRow.file_name, self.training, TrainingRow)


def policy_config(config: RunConfig, task: str, policy: str) -> ChunkPolicyConfig:
    """Return the policy that a run trains on a task."""
    described = make_task(task)
    conditioning = config.conditioning or DEFAULT_CONDITIONING[config.backbone]
    width, depth = network_size(
        config.backbone,
        config.size,
        conditioning,
        described.act_dim,
        config.pred_horizon,
        config.obs_horizon * described.obs_dim,
    )
    return ChunkPolicyConfig(
        obs_dim=described.obs_dim,
        act_dim=described.act_dim,
        obs_horizon=config.obs_horizon,
        pred_horizon=config.pred_horizon,
        objective=policy,
        prediction=config.prediction,
        backbone=config.backbone,
        width=config.width or width,
        depth=config.depth or depth,
        conditioning=conditioning,
        time_sampling=config.time_sampling,
        pairing=config.pairing,
        schedule=config.schedule,
    )


def set_threads() -> None:
    """Let torch use one thread.

    The networks are small: a second thread gains little on a free machine, and beside a busy
    neighbour it made an update ten times slower. The simulations use every processor.
    """
    torch.set_num_threads(1)
