"""The row types of a run folder: one frozen dataclass for each kind of file.

A row type's fields, in order, are the columns of its file.
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
    """Requested sampler steps; 0 where nothing is sampled, and where a tolerance decides."""
    train_seed: int
    """-1 where nothing is trained."""

    @property
    def cell(self) -> dict[str, Any]:
        """The values that name the cell: `MeasurementRow(**row.cell, ...)` is about the same."""
        return {name: getattr(self, name) for name in CellRow.key}


@dataclasses.dataclass(frozen=True)
class OriginRow(CellRow):
    """Where the numbers of one cell come from; what is the same in all of its episodes."""

    file_name: ClassVar[str] = "cells.csv"

    task_version: int
    weights_hash: str
    """The beginning of a sha256, as every hash here; empty where nothing was trained."""
    demonstrations_hash: str
    task_hash: str
    config_hash: str
    commit: str
    device: str
    versions: str
    """Python and the packages that decide numbers: `python=3.11.7 torch=2.13.0 ...`."""


@dataclasses.dataclass(frozen=True)
class EpisodeRow(CellRow):
    """One evaluation episode of one policy."""

    file_name: ClassVar[str] = "episodes.csv"
    key: ClassVar[tuple[str, ...]] = (*CellRow.key, "episode_seed")

    episode_seed: int
    success: bool
    """Held for the task's number of control steps: the benchmark's success."""
    success_any: bool
    """True at one control step at least."""
    success_end: bool
    """True at the last control step."""
    progress: float
    """In [0, 1]."""
    episode_return: float
    length: int
    """Control steps."""
    time_to_success_s: float | None
    mode: str
    """Which of several equally good ways was taken; empty where there is one."""
    decisions: int
    """Chunks decided."""
    nfe: float
    """Mean network evaluations per chunk, counted at the network."""
    action_smoothness: float
    sim_unstable: bool
    error: str


@dataclasses.dataclass(frozen=True)
class MeasurementRow(CellRow):
    """The cost of one trained policy with one sampler."""

    file_name: ClassVar[str] = "measurements.csv"

    headline: bool
    """The configuration shown first for its policy; one per task and policy."""
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
    """What the chunks of one trained policy look like with one sampler."""

    file_name: ClassVar[str] = "diagnostics.csv"

    windows: int
    """Held-out windows of expert episodes."""
    samples: int
    """Chunks sampled for each."""
    chunk_distance: float
    """Mean root-mean-square distance of a sample to the expert's chunk, actions in [-1, 1]."""
    nearest_chunk_distance: float
    """The same for the nearest of a window's samples."""
    straightness: float | None
    """How far the paths from noise to chunks are from straight, 0 to 1 and more; flows only."""


R = TypeVar("R", bound=Row)


def columns(row_type: type[Row]) -> dict[str, Any]:
    """Return the columns of a row type, in order, with their types."""
    hints = get_type_hints(row_type)
    return {field.name: hints[field.name] for field in dataclasses.fields(row_type)}
