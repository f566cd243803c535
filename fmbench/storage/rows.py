"""Row types of a run folder: one frozen dataclass per kind of file.

A row type's fields, in order, are the columns of its file. A column whose field has a default may
be missing in files of an earlier version.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, TypeVar, get_type_hints


@dataclasses.dataclass(frozen=True)
class Row:
    """Base of the row types."""

    file_name: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    """Fields that no two rows of a file may share."""


@dataclasses.dataclass(frozen=True)
class CellRow(Row):
    """Base of the rows about one cell: one policy on one task, with one sampler and one seed."""

    key: ClassVar[tuple[str, ...]] = ("task", "policy", "sampler", "steps", "train_seed")

    task: str
    policy: str
    """`expert`, `random`, `flow`, `diffusion`, `bc`, ..."""
    sampler: str
    """`euler`, `heun:late`, `ddpm`, `direct`, ...; empty where nothing is sampled."""
    steps: int
    """Requested sampler steps; 0 where nothing is sampled, and for adaptive samplers."""
    train_seed: int
    """-1 where nothing is trained."""

    @property
    def cell(self) -> dict[str, Any]:
        """The values that identify the cell, e.g. for `MeasurementRow(**row.cell, ...)`."""
        return {name: getattr(self, name) for name in CellRow.key}


@dataclasses.dataclass(frozen=True)
class OriginRow(CellRow):
    """Origin of the numbers of one cell, the same for all of its episodes."""

    file_name: ClassVar[str] = "cells.csv"

    task_version: int
    weights_hash: str
    """First digits of a sha256, like every hash here; empty where nothing was trained."""
    demonstrations_hash: str
    task_hash: str
    config_hash: str
    commit: str
    device: str
    versions: str
    """Python and the packages that determine results: `python=3.11.7 torch=2.13.0 ...`."""
    code_hash: str = ""
    """Hash of the source that determines rows; empty in earlier files."""
    rows_hash: str = ""
    """Hash of this row and of the cell's episodes, as written; empty in earlier files."""


@dataclasses.dataclass(frozen=True)
class EpisodeRow(CellRow):
    """One evaluation episode of one policy."""

    file_name: ClassVar[str] = "episodes.csv"
    key: ClassVar[tuple[str, ...]] = (*CellRow.key, "episode_seed")

    episode_seed: int
    success: bool
    """Success held for the task's number of control steps: the benchmark's criterion."""
    success_any: bool
    """Success at one control step or more."""
    success_end: bool
    """Success at the last control step."""
    progress: float
    """In [0, 1]."""
    episode_return: float
    length: int
    """Control steps."""
    time_to_success_s: float | None
    mode: str
    """Mode of the solution; empty for tasks with one mode."""
    decisions: int
    """Number of decisions: one chunk is predicted at each."""
    nfe: float
    """Mean network evaluations per decision, counted at the network."""
    action_smoothness: float
    sim_unstable: bool
    error: str


@dataclasses.dataclass(frozen=True)
class MeasurementRow(CellRow):
    """The cost of one trained policy with one sampler."""

    file_name: ClassVar[str] = "measurements.csv"

    headline: bool
    """Whether this is the policy's main configuration; one per task and policy."""
    parameters: int
    updates: int
    training_time_s: float | None
    latency_ms_p50: float | None
    latency_ms_p95: float | None


@dataclasses.dataclass(frozen=True)
class TrainingRow(Row):
    """One logged update of one training."""

    file_name: ClassVar[str] = "training.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "policy", "train_seed", "update")

    task: str
    policy: str
    train_seed: int
    update: int
    loss: float
    learning_rate: float
    gradient_norm: float


@dataclasses.dataclass(frozen=True)
class DiagnosticRow(CellRow):
    """Diagnostics of the chunks of one trained policy with one sampler."""

    file_name: ClassVar[str] = "diagnostics.csv"

    windows: int
    """Held-out windows of expert episodes."""
    samples: int
    """Chunks sampled per window."""
    chunk_distance: float
    """Mean root-mean-square distance from a sample to the expert's chunk, actions in [-1, 1]."""
    nearest_chunk_distance: float
    """The same for the nearest sample of each window."""
    straightness: float | None
    """Deviation of paths from noise to chunk from straight, 0 to 1 and more; flows only."""


R = TypeVar("R", bound=Row)


_COLUMNS: dict[type[Row], dict[str, Any]] = {}
"""Columns of the row types that were asked for: reading annotations takes longer than a row."""


def columns(row_type: type[Row]) -> dict[str, Any]:
    """Return the columns of a row type in order, each with its type; the result is shared."""
    if row_type not in _COLUMNS:
        hints = get_type_hints(row_type)
        _COLUMNS[row_type] = {
            field.name: hints[field.name] for field in dataclasses.fields(row_type)
        }
    return _COLUMNS[row_type]


def later_columns(row_type: type[Row]) -> set[str]:
    """Return the columns that files of an earlier version do not have."""
    fields = dataclasses.fields(row_type)
    return {field.name for field in fields if field.default is not dataclasses.MISSING}


def key_of(row: Row) -> tuple[object, ...]:
    """Return the values that identify a row within its file."""
    return tuple(getattr(row, name) for name in row.key)
