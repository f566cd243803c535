"""Score the trained policies of a finished run again, with another sampler; resumable."""

import dataclasses
import time
from pathlib import Path
from typing import Any

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.progress import Reporter
from fmbench.config import RunConfig
from fmbench.evaluation.cells import EXPERT, RANDOM, Cell, Origin
from fmbench.evaluation.episodes import check_rows
from fmbench.report.draw import draw_all
from fmbench.runs.cell_store import CellStore
from fmbench.runs.preparation import check_runnable
from fmbench.runs.run_folder import RUN_FILE, open_run_folder, start_facts
from fmbench.runs.sampler_choice import Choice
from fmbench.runs.saved_run import SavedRun
from fmbench.storage.files import write_json_atomic
from fmbench.storage.provenance import commit
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import EpisodeRow, MeasurementRow, TrainingRow


class Rescoring:
    """One sampler on the checkpoints of one run, in a folder of its own.

    The test episodes and everything else are the run's own. Rows of the expert and of random
    actions are the run's, unless more episodes are asked for than it has.

    Args:
        run: The finished run.
        choice: The sampler, and its steps for each policy.
        nfe: Network evaluations that were asked for, distinct; what is impossible was skipped.
        changes: Values of the run's configuration to replace, `episodes` and `device`.
        out: The new folder; an unfinished re-scoring of the same kind there is resumed.
        reporter: Shows progress.
        interrupts: Says when to stop.
        command: The command line, for `run.json`.

    Raises:
        FmbenchError: The device or a checkpoint does not fit, or `out` holds something else.
    """

    def __init__(
        self,
        run: SavedRun,
        choice: Choice,
        nfe: tuple[int, ...],
        changes: dict[str, Any],
        out: Path,
        reporter: Reporter,
        interrupts: Interrupts,
        command: str = "",
    ) -> None:
        self.saved, self.out = run, out
        self.reporter, self.interrupts = reporter, interrupts
        self.sampler, self.steps = choice.sampler, choice.steps
        self.policies = tuple(choice.steps)
        self.config: RunConfig = dataclasses.replace(run.config, **changes)
        check_runnable(self.config)
        run.check_policies(self.policies)
        self.own_rows = read_rows(run.folder / EpisodeRow.file_name, EpisodeRow)
        self.training = read_rows(run.folder / TrainingRow.file_name, TrainingRow)
        self.origin = Origin(config=self.config.hash, commit=commit(), device=self.config.device)
        identity = {
            "rescores": {
                "run": run.folder.resolve().name,
                "config_hash": run.config.hash,
                "commit": run.facts.get("commit"),
                "sampler": choice.sampler,
                "nfe": sorted(nfe),
            },
            "config": self.config.to_json(),
            "task_hashes": run.task_hashes,
        }
        facts = start_facts(self.config.preset, command, self.policies)
        self.facts = open_run_folder(out, identity, facts, "fmbench.evaluate", reporter)
        for line in choice.skipped:
            reporter.say(f"skipped {line}")
        self.cells = CellStore(out, self.config, reporter, interrupts)

    def run(self) -> None:
        """Do everything that is not done yet; draw the tables and figures."""
        started = time.time()
        episodes: list[EpisodeRow] = []
        measurements: list[MeasurementRow] = []
        for task in self.config.task:
            for reference in (EXPERT, RANDOM):
                episodes += self._reference(Cell(task, reference))
            for policy in self.policies:
                for train_seed in range(self.config.seeds):
                    rows, costs = self._score(task, policy, train_seed)
                    episodes += rows
                    measurements += costs
        training = [row for row in self.training if row.policy in self.policies]
        write_rows(self.out / EpisodeRow.file_name, episodes, EpisodeRow)
        write_rows(self.out / MeasurementRow.file_name, measurements, MeasurementRow)
        write_rows(self.out / TrainingRow.file_name, training, TrainingRow)
        if not self.facts["complete"]:
            self.facts |= {"complete": True, "seconds": round(time.time() - started, 1)}
            write_json_atomic(self.out / RUN_FILE, self.facts)
        with self.reporter.stage("tables and figures", 1):
            draw_all(self.out)

    def _reference(self, cell: Cell) -> list[EpisodeRow]:
        """Return the rows of the expert or of random actions, the run's if it has enough."""
        found = [r for r in self.own_rows if (r.task, r.policy) == (cell.task, cell.policy)]
        if len(found) < self.config.episodes:
            return self.cells.episodes(cell, self.origin, None)
        rows = found[: self.config.episodes]
        path = self.saved.folder / EpisodeRow.file_name
        check_rows(path, rows, cell, self.config, self.origin)
        return rows

    def _score(
        self, task: str, name: str, train_seed: int
    ) -> tuple[list[EpisodeRow], list[MeasurementRow]]:
        """Evaluate and measure one trained policy, its most steps first."""
        policy, facts = self.saved.load(task, name, train_seed)
        origin = dataclasses.replace(
            self.origin,
            weights=str(facts["sha256"]["ema.safetensors"])[:16],
            demonstrations=str(facts["origin"]["demonstrations"])[:16],
        )
        rows: list[EpisodeRow] = []
        costs: list[MeasurementRow] = []
        most = max(self.steps[name])
        for steps in sorted(self.steps[name], key=lambda steps: steps != most):
            cell = Cell(task, name, self.sampler, steps, train_seed, headline=steps == most)
            rows += self.cells.episodes(cell, origin, policy)
            checkpoint = self.saved.checkpoint(task, name, train_seed)
            costs.append(self.cells.measurement(cell, policy, checkpoint))
        return rows, costs
