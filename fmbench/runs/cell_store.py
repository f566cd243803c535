"""Evaluated cells of a run folder: each is computed once, stored, and then read."""

from pathlib import Path

from fmbench.cli.session import Session
from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell, Origin
from fmbench.evaluation.cost import measure
from fmbench.evaluation.diagnostics import diagnose
from fmbench.evaluation.episodes import check_rows, evaluate
from fmbench.evaluation.held_out import held_out_windows
from fmbench.storage.episode_files import Episodes
from fmbench.storage.row_files import read_rows, write_rows
from fmbench.storage.rows import DiagnosticRow, EpisodeRow, MeasurementRow, OriginRow
from fmbench.training.windows import Windows
from policies.chunk_policy import ChunkPolicy


class CellStore:
    """The cells of one run folder, each in its own files, so that a run can be resumed.

    Args:
        out: The run's folder.
        config: The run.
        session: Progress display and requests to stop; an unfinished cell is not stored.
        times_decisions: Whether to measure the latency of decisions.
    """

    def __init__(
        self,
        out: Path,
        config: RunConfig,
        session: Session,
        times_decisions: bool = True,
    ) -> None:
        self.folder, self.config, self.session = out / "cells", config, session
        self.times_decisions = times_decisions
        self._held_out: dict[str, Windows] = {}

    def episodes(self, cell: Cell, origin: Origin, policy: ChunkPolicy | None) -> Episodes:
        """Return a cell's episodes; roll them out if they are not on disk.

        Raises:
            FmbenchError: The episodes on disk belong to another cell or to other weights.
        """
        path, origin_path = (self.folder / f"{cell.name}{end}" for end in (".csv", ".origin.csv"))
        if path.exists():
            origins = read_rows(origin_path, OriginRow) if origin_path.exists() else []
            episodes = Episodes(read_rows(path, EpisodeRow), origins)
            check_rows(path, episodes, cell, self.config, origin)
            return episodes
        self.session.interrupts.stop_here()
        name = f"{cell.name} episodes"
        with self.session.reporter.stage(name, self.config.episodes) as stage:

            def count(done: int) -> None:
                self.session.interrupts.stop_here()
                stage.update(done)

            episodes = evaluate(cell, self.config, origin, policy, count)
        write_rows(origin_path, episodes.origins, OriginRow)
        write_rows(path, episodes.rows, EpisodeRow)
        return episodes

    def measurement(
        self, cell: Cell, policy: ChunkPolicy, checkpoint: Path, decides: bool = True
    ) -> MeasurementRow:
        """Return the cost of a cell's decisions; measure it if it is not on disk.

        Args:
            cell: The cell.
            policy: Its policy.
            checkpoint: The policy's checkpoint.
            decides: Whether the policy decided without errors; if not, it is not timed.
        """
        path = self.folder / f"{cell.name}.measurement.csv"
        if not path.exists():
            times = self.times_decisions and decides
            row = measure(cell, self.config, policy, checkpoint, times)
            write_rows(path, [row], MeasurementRow)
        (row,) = read_rows(path, MeasurementRow)
        return row

    def diagnostic(self, cell: Cell, policy: ChunkPolicy) -> DiagnosticRow:
        """Return the diagnostics of a policy's chunks; compute them if they are not on disk."""
        path = self.folder / f"{cell.name}.diagnostic.csv"
        if not path.exists():
            if cell.task not in self._held_out:
                self._held_out[cell.task] = held_out_windows(self.config, cell.task)
            on_device = policy.to(self.config.device)  # not yet moved there in a resumed run
            row = diagnose(cell, on_device, self._held_out[cell.task])
            write_rows(path, [row], DiagnosticRow)
        (row,) = read_rows(path, DiagnosticRow)
        return row
