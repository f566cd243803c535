"""Results of a run: the data of its tables and figures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd

from fmbench.errors import FmbenchError
from fmbench.report.comparisons import compare, config_differences
from fmbench.report.looks import Looks
from fmbench.report.summary import frame, summarise
from fmbench.storage.compressed import stored_path
from fmbench.storage.episode_files import read_episodes
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import (
    DiagnosticRow,
    EpisodeRow,
    MeasurementRow,
    OriginRow,
    R,
    TrainingRow,
)
from fmbench.storage.run_facts import RUN_FILE, RunFacts, read_run_facts


@dataclasses.dataclass(frozen=True)
class Results:
    """The rows of a run and the tables computed from them."""

    episodes: pd.DataFrame
    """Frame of `EpisodeRow`."""
    origins: pd.DataFrame
    """Frame of `OriginRow`: the provenance of each cell."""
    training: pd.DataFrame
    """Frame of `TrainingRow`; empty if nothing was trained."""
    summary: pd.DataFrame
    """Frame of `fmbench.report.summary.SummaryRow`."""
    comparisons: pd.DataFrame
    """Frame of `fmbench.report.comparisons.ComparisonRow`."""
    warnings: tuple[str, ...]
    """Differences between policies that should differ only in their objective."""
    diagnostics: pd.DataFrame
    """Frame of `DiagnosticRow`; empty if nothing was diagnosed."""
    run: RunFacts
    """The content of `run.json`; empty if the file is missing."""
    looks: Looks
    """Labels, colours and order of its policies."""

    @property
    def is_smoke(self) -> bool:
        """Whether the run only tested the software."""
        return self.run.preset == "smoke"


def read_results(run_dir: Path) -> Results:
    """Read a run folder and compute its tables.

    Only `episodes.csv` and `cells.csv` are required, since a run of experts trains and measures
    nothing. Each file of rows may be compressed.

    Raises:
        FmbenchError: The folder is not a run, has no episode yet, or has a malformed file.
    """
    if not run_dir.is_dir():
        state = "is a file" if run_dir.exists() else "does not exist"
        raise FmbenchError(f"{run_dir} {state}; give the folder of a run, which holds episodes.csv")
    stored = read_episodes(run_dir)
    if not stored.rows:
        raise FmbenchError(
            f"{run_dir / EpisodeRow.file_name} has no rows; let the run finish its first episodes"
        )
    episodes, origins = frame(stored.rows, EpisodeRow), frame(stored.origins, OriginRow)
    measurements = _optional(run_dir, MeasurementRow)
    run = read_run_facts(run_dir) if (run_dir / RUN_FILE).exists() else RunFacts()
    looks = Looks(run)
    return Results(
        episodes=episodes,
        origins=origins,
        training=_optional(run_dir, TrainingRow),
        summary=summarise(episodes, measurements, looks),
        comparisons=compare(episodes, measurements, looks),
        warnings=tuple(config_differences(origins, measurements, looks)),
        diagnostics=_optional(run_dir, DiagnosticRow),
        run=run,
        looks=looks,
    )


def _optional(run_dir: Path, row_type: type[R]) -> pd.DataFrame:
    """Return the rows of an optional file, empty if it does not exist."""
    path = run_dir / row_type.file_name
    return frame(read_rows(path, row_type) if stored_path(path).exists() else [], row_type)
