"""Evaluated cells of a run folder: each is computed once, stored, and then read."""

import contextlib
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from fmbench.cli.session import Session
from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell, Origin
from fmbench.evaluation.cost import measure
from fmbench.evaluation.diagnostics import diagnose
from fmbench.evaluation.episodes import check_origin, check_seeds, evaluate, origin_row
from fmbench.evaluation.held_out import held_out_windows
from fmbench.runs.users_encoder import open_sights
from fmbench.sight.opening import Sights
from fmbench.storage.cell_files import CELLS_FOLDER, cell_file, read_cell, write_cell
from fmbench.storage.episode_files import Episodes
from fmbench.storage.memory import needs_memory
from fmbench.storage.rows import CellRow, DiagnosticRow, EpisodeRow, MeasurementRow, OriginRow
from fmbench.storage.stamps import Stamp, merge, stamp_of
from fmbench.training.windows import Windows
from policies.chunk_policy import ChunkPolicy

C = TypeVar("C", bound=CellRow)
REMEDY = (
    "lower --episodes, or in a new run --width or --depth, or resume where more is free: finished "
    "work is kept"
)


class CellStore:
    """The cells of one run folder, each in its own files, so that a run can be resumed.

    Args:
        out: The run's folder.
        config: The run.
        session: Progress display and requests to stop; an unfinished cell is not stored.
        made_with: All code and versions that this run accepts.
        times_decisions: Whether to measure the latency of decisions.
        sights: What the policies see with; None for those of `config`.
    """

    def __init__(
        self,
        out: Path,
        config: RunConfig,
        session: Session,
        made_with: Sequence[Stamp],
        times_decisions: bool = True,
        sights: Sights | None = None,
    ) -> None:
        self.folder, self.config, self.session = out / CELLS_FOLDER, config, session
        self.made_with, self.times_decisions = made_with, times_decisions
        self.sights = sights or open_sights(config)
        self._held_out: dict[str, Windows] = {}

    def episodes(self, cell: Cell, origin: Origin, policy: ChunkPolicy | None) -> Episodes:
        """Return a cell's episodes; roll out those that are not on disk.

        Raises:
            FmbenchError: The episodes on disk were changed, or belong to something else.
        """
        path = cell_file(self.folder, cell.name, EpisodeRow)
        earlier, origins = self._read(path, cell, origin, EpisodeRow)
        if origins:
            check_seeds(path, earlier)
        if origins and len(earlier) >= self.config.episodes:
            return Episodes(earlier[: self.config.episodes], origins)
        self.session.interrupts.stop_here()
        name = f"{cell.name} episodes"
        with self.session.reporter.stage(name, self.config.episodes, len(earlier)) as stage:

            def count(done: int) -> None:
                self.session.interrupts.stop_here()
                stage.update(done)

            with needs_memory(f"{cell.name} evaluation", REMEDY):
                sight = None if policy is None else self.sights.of(cell.task)
                episodes = evaluate(cell, self.config, origin, policy, count, earlier, sight)
        stamps = [stamp_of(row) for row in origins] + [origin.stamp]
        now = origin_row(cell, self.config, dataclasses.replace(origin, stamp=merge(stamps)))
        write_cell(path, episodes.rows, now, EpisodeRow)
        return Episodes(episodes.rows, [now])

    def measurement(
        self,
        cell: Cell,
        origin: Origin,
        policy: ChunkPolicy,
        checkpoint: Path,
        decides: bool = True,
    ) -> MeasurementRow:
        """Return the cost of a cell's decisions; measure it if it is not on disk.

        Args:
            cell: The cell.
            origin: Its origin.
            policy: Its policy.
            checkpoint: The policy's checkpoint.
            decides: Whether the policy decided without errors; if not, it is not timed.
        """
        path = cell_file(self.folder, cell.name, MeasurementRow)
        rows, _ = self._read(path, cell, origin, MeasurementRow)
        if not rows:
            self.session.interrupts.stop_here()
            times = self.times_decisions and decides
            with needs_memory(f"{cell.name} measurement", REMEDY):
                sight = self.sights.of(cell.task)
                row = measure(cell, self.config, policy, checkpoint, times, sight)
            # In a larger run other steps may be the headline: it is no fact of the cell.
            rows = [dataclasses.replace(row, headline=False)]
            write_cell(path, rows, origin_row(cell, self.config, origin), MeasurementRow)
        return dataclasses.replace(rows[0], headline=cell.headline)

    def diagnostic(self, cell: Cell, origin: Origin, policy: ChunkPolicy) -> DiagnosticRow:
        """Return the diagnostics of a policy's chunks; compute them if they are not on disk."""
        path = cell_file(self.folder, cell.name, DiagnosticRow)
        rows, _ = self._read(path, cell, origin, DiagnosticRow)
        if not rows:
            self.session.interrupts.stop_here()
            name, sight = f"{cell.name} diagnostics", self.sights.of(cell.task)
            with needs_memory(name, REMEDY), self._stage_if(sight is not None, name):
                if cell.task not in self._held_out:
                    self._held_out = {cell.task: held_out_windows(self.config, cell.task, sight)}
                on_device = policy.to(self.config.device)  # not yet moved there in a resumed run
                rows = [diagnose(cell, on_device, self._held_out[cell.task])]
            write_cell(path, rows, origin_row(cell, self.config, origin), DiagnosticRow)
        return rows[0]

    def _stage_if(self, takes_time: bool, name: str) -> contextlib.AbstractContextManager[object]:
        """Return a stage of the progress display for work that takes seconds, else nothing."""
        return self.session.reporter.stage(name, 1) if takes_time else contextlib.nullcontext()

    def forget_diagnostic(self, cell: Cell) -> None:
        """Remove the diagnostics of a cell that led its policy before the run grew."""
        cell_file(self.folder, cell.name, DiagnosticRow).unlink(missing_ok=True)

    def _read(
        self, path: Path, cell: Cell, origin: Origin, row_type: type[C]
    ) -> tuple[list[C], list[OriginRow]]:
        """Return the rows of a cell on disk, and their origin; nothing if there are none."""
        if not os.path.lexists(path):
            return [], []
        rows, there = read_cell(path, row_type)
        check_origin(path, there, origin_row(cell, self.config, origin), self.made_with)
        return rows, [there]
