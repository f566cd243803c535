"""Evaluated cells of a run folder: each is computed once, stored, and then read."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from fmbench.cli.session import Session
from fmbench.cli.success import Score
from fmbench.config import STATE, RunConfig
from fmbench.evaluation.ambiguous_starts import AmbiguousStarts, ambiguous_starts
from fmbench.evaluation.cells import Cell, Origin
from fmbench.evaluation.cost import measure
from fmbench.evaluation.diagnostics import NOT_COMPARED, diagnose
from fmbench.evaluation.episodes import check_origin, check_seeds, evaluate, origin_row
from fmbench.evaluation.held_out import held_out_windows
from fmbench.evaluation.outside import OutsideCheckpoint
from fmbench.runs.users_encoder import open_sights
from fmbench.sight.opening import Sights
from fmbench.storage.cell_files import CELLS_FOLDER, cell_file, read_cell, write_cell
from fmbench.storage.episode_files import Episodes
from fmbench.storage.memory import needs_memory
from fmbench.storage.rows import (
    REFERENCES,
    CellRow,
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
)
from fmbench.storage.stamps import Stamp, merge, stamp_of
from fmbench.training.windows import Windows
from policies.chunk_policy import ChunkPolicy

C = TypeVar("C", bound=CellRow)
Played: TypeAlias = ChunkPolicy | OutsideCheckpoint | None
"""A trained policy, or one from outside; None for the expert and random actions."""
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
        sights: What the policies see with; None for those of `config`. Policies from outside have
            their own.
        on_cell: Called with a cell and its episodes when they are on disk.
    """

    def __init__(
        self,
        out: Path,
        config: RunConfig,
        session: Session,
        made_with: Sequence[Stamp],
        times_decisions: bool = True,
        sights: Sights | None = None,
        on_cell: Callable[[Cell, Sequence[EpisodeRow]], None] = lambda cell, rows: None,
    ) -> None:
        self.on_cell = on_cell
        self.folder, self.config, self.session = out / CELLS_FOLDER, config, session
        self.made_with, self.times_decisions = made_with, times_decisions
        self.sights = sights or open_sights(config)
        self._held_out: dict[str, Windows] = {}
        self._starts: dict[str, AmbiguousStarts | None] = {}

    def episodes(self, cell: Cell, origin: Origin, policy: Played) -> Episodes:
        """Return a cell's episodes; roll out those that are not on disk.

        Raises:
            FmbenchError: The episodes on disk were changed, or belong to something else.
        """
        episodes = self._episodes(cell, origin, policy)
        self.on_cell(cell, episodes.rows)
        return episodes

    def _episodes(self, cell: Cell, origin: Origin, policy: Played) -> Episodes:
        path = cell_file(self.folder, cell.name, EpisodeRow)
        earlier, origins = self._read(path, cell, origin, EpisodeRow)
        if origins:
            check_seeds(path, earlier, self.config.test_block)
        name, reporter = f"{cell.name} episodes", self.session.reporter
        if origins and len(earlier) >= self.config.episodes:
            reporter.outlook.skip(name)
            rows = earlier[: self.config.episodes]
            reporter.score(*_score(cell, rows))
            return Episodes(rows, origins)
        self.session.interrupts.stop_here()
        with reporter.stage(name, self.config.episodes, len(earlier)) as stage:

            def count(done: int) -> None:
                self.session.interrupts.stop_here()
                stage.update(done)

            with needs_memory(f"{cell.name} evaluation", REMEDY):
                is_own = not (policy is None or isinstance(policy, OutsideCheckpoint))
                sight = self.sights.of(cell.task) if is_own else None
                episodes = evaluate(cell, self.config, origin, policy, count, earlier, sight)
            reporter.score(*_score(cell, episodes.rows))
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

        def compute() -> MeasurementRow:
            times = self.times_decisions and decides
            sight = self.sights.of(cell.task)
            return measure(cell, self.config, policy, checkpoint, times, sight)

        return self.cost(cell, origin, compute)

    def cost(
        self, cell: Cell, origin: Origin, compute: Callable[[], MeasurementRow]
    ) -> MeasurementRow:
        """Return the cost of a cell's decisions; compute it if it is not on disk.

        Args:
            cell: The cell.
            origin: Its origin.
            compute: Measures it.
        """
        path = cell_file(self.folder, cell.name, MeasurementRow)
        rows, _ = self._read(path, cell, origin, MeasurementRow)
        name, outlook = f"{cell.name} measurement", self.session.reporter.outlook
        if rows:
            outlook.skip(name)
        else:
            self.session.interrupts.stop_here()
            with needs_memory(name, REMEDY), outlook.during(name):  # nothing is drawn meanwhile
                row = compute()
            # In a larger run other steps may be the headline: it is no fact of the cell.
            rows = [dataclasses.replace(row, headline=False)]
            write_cell(path, rows, origin_row(cell, self.config, origin), MeasurementRow)
        return dataclasses.replace(rows[0], headline=cell.headline)

    def diagnostic(
        self, cell: Cell, origin: Origin, policy: ChunkPolicy, decides: bool = True
    ) -> DiagnosticRow | None:
        """Return the diagnostics of a policy's chunks; compute them if they are not on disk.

        A headline is compared with the expert's chunks. Every cell has a bridge rate on a task
        with ambiguous starts, where the policy observes the state.

        Args:
            cell: The cell.
            origin: Its origin.
            policy: Its policy.
            decides: Whether the policy decided without errors; if not, it is not diagnosed.

        Returns:
            The diagnostics; None if there are none of this cell.
        """
        path = cell_file(self.folder, cell.name, DiagnosticRow)
        rows, origins = self._read(path, cell, origin, DiagnosticRow) if decides else ([], [])
        if rows and not cell.headline:  # it may have led its policy before the run grew
            stored, plain = rows[0], dataclasses.replace(rows[0], **NOT_COMPARED)
            rows = [plain] if plain.starts else []
            if rows and plain != stored:
                write_cell(path, rows, origins[0], DiagnosticRow)
        if decides and (not rows or (cell.headline and rows[0].chunk_distance is None)):
            rows = self._diagnose(path, cell, origin, policy)
        self.session.reporter.outlook.skip(f"{cell.name} diagnostics")
        if not rows:
            path.unlink(missing_ok=True)
            return None
        return rows[0]

    def _diagnose(
        self, path: Path, cell: Cell, origin: Origin, policy: ChunkPolicy
    ) -> list[DiagnosticRow]:
        """Compute and store the diagnostics of a cell; return none if it has none."""
        starts = self._ambiguous_starts(cell.task)
        if starts is None and not cell.headline:
            return []
        self.session.interrupts.stop_here()
        name, sight = f"{cell.name} diagnostics", self.sights.of(cell.task)
        with needs_memory(name, REMEDY), self._stage_if(sight is not None, name):
            windows = self._held_out_windows(cell.task) if cell.headline else None
            on_device = policy.to(self.config.device)  # not yet moved there in a resumed run
            rows = [diagnose(cell, on_device, windows, starts)]
        write_cell(path, rows, origin_row(cell, self.config, origin), DiagnosticRow)
        return rows

    def _held_out_windows(self, task: str) -> Windows:
        """Return the held-out windows of a task; those of one task are kept."""
        if task not in self._held_out:
            self._held_out = {task: held_out_windows(self.config, task, self.sights.of(task))}
        return self._held_out[task]

    def _ambiguous_starts(self, task: str) -> AmbiguousStarts | None:
        """Return the ambiguous starts of a task; those of one task are kept."""
        if self.config.observation != STATE:
            return None
        if task not in self._starts:
            with needs_memory(f"{task} ambiguous starts", REMEDY):
                self._starts = {task: ambiguous_starts(self.config, task)}
        return self._starts[task]

    def _stage_if(self, takes_time: bool, name: str) -> contextlib.AbstractContextManager[object]:
        """Return a stage of the progress display for work that takes seconds, else none."""
        reporter = self.session.reporter
        return reporter.stage(name, 1) if takes_time else reporter.outlook.during(name)

    def _read(
        self, path: Path, cell: Cell, origin: Origin, row_type: type[C]
    ) -> tuple[list[C], list[OriginRow]]:
        """Return the rows of a cell on disk, and their origin; nothing if there are none."""
        if not os.path.lexists(path):
            return [], []
        rows, there = read_cell(path, row_type)
        check_origin(path, there, origin_row(cell, self.config, origin), self.made_with)
        return rows, [there]


def _score(cell: Cell, rows: Sequence[EpisodeRow]) -> tuple[Score, bool]:
    """Return the success of a cell, and whether it is a policy's that acts plainly."""
    name, successes = f"{cell.policy} {cell.way}".strip(), sum(row.success for row in rows)
    return Score(
        cell.task, name, successes, len(rows)
    ), cell.policy not in REFERENCES and cell.is_plain
