"""Run an experiment: demonstrations, training, evaluation, tables and figures, resumable.

The one module that introduces the tasks to the policies.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import torch

from envs.registry import make_task, task_hash
from fmbench.checkpoints import load_policy, restore_checkpoint, save_checkpoint
from fmbench.config import RunConfig
from fmbench.contact_sheets import draw_contact_sheet
from fmbench.dataset import load_demonstrations
from fmbench.evaluation import (
    EXPERT,
    RANDOM,
    Cell,
    Origin,
    check_rows,
    evaluate,
    plan_cells,
)
from fmbench.figures import draw_all
from fmbench.interrupts import Interrupts
from fmbench.measurement import measure
from fmbench.preparation import check_found_demonstrations, check_runnable, demonstrate
from fmbench.progress import Reporter
from fmbench.provenance import commit
from fmbench.records import (
    EpisodeRow,
    MeasurementRow,
    TrainingRow,
    read_json,
    read_rows,
    write_json_atomic,
    write_rows,
)
from fmbench.run_folder import RUN_FILE, checkpoint_folder, open_run_folder, start_facts
from fmbench.training import TrainConfig, start_training, train
from fmbench.windows import Windows, make_windows
from policies.chunk_policy import ChunkPolicy, ChunkPolicyConfig
from policies.objectives import OBJECTIVES

CHECKPOINT_UPDATES = 1000


@dataclasses.dataclass(frozen=True)
class Data:
    """A task's demonstrations, laid out for training."""

    windows: Windows
    sha256: str
    facts: dict[str, Any]


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
        )
        self.origin = Origin(config=config.hash, commit=commit(), device=config.device)
        check_found_demonstrations(config, data)
        self.facts = self._open(command)

    def run(self) -> None:
        """Do everything that is not done yet; draw the tables and figures."""
        started = time.time()
        for task in self.config.task:
            for policy in (EXPERT, RANDOM):
                self._evaluate(Cell(task, policy), self.origin, None)
            data = self._demonstrations(task)
            for policy in self.config.policy:
                for train_seed in range(self.config.seeds):
                    self._train_and_evaluate(task, policy, train_seed, data)
        self._collect()
        if not self.facts["complete"]:
            self.facts |= {"complete": True, "seconds": round(time.time() - started, 1)}
            write_json_atomic(self.out / RUN_FILE, self.facts)
        with self.reporter.stage("tables and figures", 1):
            draw_all(self.out)

    def _open(self, command: str) -> dict[str, Any]:
        """Begin the run folder, or take up the one that is there."""
        identity = {
            "config": self.config.to_json(),
            "task_hashes": {task: task_hash(task) for task in self.config.task},
        }
        facts: dict[str, Any] = {
            **start_facts(self.config.preset, command),
            "demonstrations": {},
        }
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
        return Data(windows, demonstrations.sha256, facts)

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
            rows = self._evaluate(cell, origin, policy)
            self._measure(cell, policy)
            if cell.headline and train_seed == 0:
                self._film(cell, rows, policy)

    def _train(self, folder: Path, task: str, name: str, train_seed: int, data: Data) -> None:
        state = start_training(
            self._policy_config(task, name), self.train_config, data.windows, train_seed,
            self.config.device,
        )  # fmt: skip
        origin = {"task_hash": task_hash(task), "demonstrations": data.sha256}
        origin["train_seed"] = str(train_seed)
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

            train(
                state,
                self.train_config,
                data.windows,
                should_stop=lambda: self.interrupts.requested,
                on_update=count,
            )
            save_checkpoint(folder, state, self.train_config, origin)
            self.interrupts.stop_here()

    def _policy_config(self, task: str, name: str) -> ChunkPolicyConfig:
        return ChunkPolicyConfig(
            obs_dim=make_task(task).obs_dim,
            act_dim=make_task(task).act_dim,
            obs_horizon=self.config.obs_horizon,
            pred_horizon=self.config.pred_horizon,
            objective=name,
            prediction=self.config.prediction,
            backbone=self.config.backbone,
            width=self.config.width,
            depth=self.config.depth,
        )

    def _evaluate(self, cell: Cell, origin: Origin, policy: ChunkPolicy | None) -> list[EpisodeRow]:
        path = self._cell_file(cell)
        if path.exists():
            rows = read_rows(path, EpisodeRow)
            check_rows(path, rows, cell, self.config, origin)
            return rows
        self.interrupts.stop_here()
        with self.reporter.stage(f"{cell.name} episodes", self.config.episodes) as stage:

            def count(done: int) -> None:
                self.interrupts.stop_here()
                stage.update(done)

            rows = evaluate(cell, self.config, origin, policy, count)
        write_rows(path, rows, EpisodeRow)
        return rows

    def _measure(self, cell: Cell, policy: ChunkPolicy) -> None:
        path = self._cell_file(cell).with_suffix(".measurement.csv")
        if not path.exists():
            row = measure(cell, self.config, policy, self._checkpoint(cell))
            write_rows(path, [row], MeasurementRow)

    def _film(self, cell: Cell, rows: list[EpisodeRow], policy: ChunkPolicy) -> None:
        path = self.out / "figures" / f"contact_sheet_{cell.task}_{cell.policy}.png"
        if path.exists():
            return
        try:
            draw_contact_sheet(path, cell, self.config, rows, policy)
        except RuntimeError as error:
            self.reporter.say(f"No contact sheet of {cell.name}: {error}")

    def _collect(self) -> None:
        """Gather the rows of all cells into the run's files."""
        episodes: list[EpisodeRow] = []
        measurements: list[MeasurementRow] = []
        training: list[TrainingRow] = []
        for cell in self._cells():
            episodes += read_rows(self._cell_file(cell), EpisodeRow)
            if cell.policy in OBJECTIVES:
                path = self._cell_file(cell).with_suffix(".measurement.csv")
                measurements += read_rows(path, MeasurementRow)
            if cell.policy in OBJECTIVES and cell.headline:
                log = read_json(self._checkpoint(cell) / "state.json")["log"]
                training += [
                    TrainingRow(cell.task, cell.policy, cell.train_seed, **entry) for entry in log
                ]
        write_rows(self.out / EpisodeRow.file_name, episodes, EpisodeRow)
        write_rows(self.out / MeasurementRow.file_name, measurements, MeasurementRow)
        write_rows(self.out / TrainingRow.file_name, training, TrainingRow)

    def _cells(self) -> list[Cell]:
        cells = []
        for task in self.config.task:
            cells += [Cell(task, EXPERT), Cell(task, RANDOM)]
            for policy in self.config.policy:
                for train_seed in range(self.config.seeds):
                    cells += plan_cells(self.config, task, policy, train_seed)
        return cells

    def _cell_file(self, cell: Cell) -> Path:
        return self.out / "cells" / f"{cell.name}.csv"

    def _checkpoint(self, cell: Cell) -> Path:
        return checkpoint_folder(self.out, cell.task, cell.policy, cell.train_seed)


def set_threads() -> None:
    """Let torch use one thread.

    The networks are small: a second thread gains little on a free machine, and beside a busy
    neighbour it made an update ten times slower. The simulations use every processor.
    """
    torch.set_num_threads(1)
