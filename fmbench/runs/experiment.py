"""Run an experiment: demonstrations, training, evaluation, tables and figures, resumable.

The one module that introduces the tasks to the policies.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

from envs.task_hash import task_hash
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.progress import Reporter
from fmbench.config import RunConfig
from fmbench.data.store import load_demonstrations
from fmbench.evaluation.cells import EXPERT, RANDOM, Cell, Origin, plan_cells
from fmbench.evaluation.contact_sheets import draw_contact_sheet
from fmbench.report.draw import draw_all
from fmbench.runs.cell_store import CellStore
from fmbench.runs.preparation import check_found_demonstrations, check_runnable, demonstrate
from fmbench.runs.run_folder import RUN_FILE, open_run_folder, start_facts
from fmbench.runs.teachers import teachers_of
from fmbench.runs.trainer import Trainer, TrainingData, find_teachers
from fmbench.storage.files import read_json, write_json_atomic
from fmbench.storage.provenance import commit
from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import DiagnosticRow, EpisodeRow, MeasurementRow, TrainingRow
from fmbench.training.checkpoints import STATE_FILE, load_policy
from fmbench.training.windows import make_windows
from policies.chunk_policy import ChunkPolicy


class Experiment:
    """One run, in one folder.

    Args:
        config: What to run.
        out: The run's folder; an unfinished run of the same configuration there is resumed.
        data: Folder of all demonstrations.
        reporter: Shows progress.
        interrupts: Says when to stop.
        command: The command line, for `run.json`.
        times_decisions: Whether to measure how long decisions take.

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
        times_decisions: bool = True,
    ) -> None:
        self.config, self.out, self.data = config, out, data
        self.reporter, self.interrupts = reporter, interrupts
        check_runnable(config)
        self.origin = Origin(config=config.hash, commit=commit(), device=config.device)
        self.teachers = find_teachers(config, check_found_demonstrations(config, data))
        self.facts = self._open(command)
        self.trainer = Trainer(config, out, self.teachers, self.facts, reporter, interrupts)
        self.cells = CellStore(out, config, reporter, interrupts, times_decisions)
        self.episodes: list[EpisodeRow] = []
        self.measurements: list[MeasurementRow] = []
        self.training: list[TrainingRow] = []
        self.diagnostics: list[DiagnosticRow] = []

    def run(self) -> None:
        """Do everything that is not done yet; draw the tables and figures."""
        started = time.time()
        for task in self.config.task:
            for policy in (EXPERT, RANDOM):
                self.episodes += self.cells.episodes(Cell(task, policy), self.origin, None)
            data = self._demonstrations(task)
            for policy in self.config.policy:
                folders = self.trainer.train(task, policy, data)
                for train_seed, folder in enumerate(folders):
                    self._evaluate(task, policy, train_seed, folder, data)
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
            **start_facts(self.config.preset, command, self.config.policy),
            "demonstrations": {},
        }
        if self.teachers is not None:
            identity["teachers"] = self.teachers.weights
        elif teachers_of(self.config):
            facts["teachers"] = {}
        return open_run_folder(self.out, identity, facts, "fmbench.run", self.reporter)

    def _demonstrations(self, task: str) -> TrainingData:
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
        return TrainingData(windows, demonstrations.sha256)

    def _evaluate(
        self, task: str, name: str, train_seed: int, folder: Path, data: TrainingData
    ) -> None:
        """Roll one trained policy out with each of its samplers, and measure it."""
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
            if cell.headline:
                self.diagnostics.append(self.cells.diagnostic(cell, policy))
            if cell.headline and train_seed == 0:
                self._film(cell, rows, policy)
        log = read_json(folder / STATE_FILE)["log"]
        self.training += [TrainingRow(task, name, train_seed, **entry) for entry in log]

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
        write_rows(self.out / DiagnosticRow.file_name, self.diagnostics, DiagnosticRow)
