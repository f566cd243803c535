"""Row types of a run folder: one frozen dataclass per kind of file.

A row type's fields, in order, are the columns of its file, those of a cell's setting last; their
annotations state which numbers are accepted. A column whose field has a default may be missing in
files of an earlier version.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_type_hints

from fmbench.storage.accepted import (
    ANY,
    MAX_INT,
    Amount,
    Count,
    Finite,
    PossibleAmount,
    PossibleCount,
    PossibleShare,
    Within,
)

FLOAT_DIGITS = 6
REFERENCES = ("expert", "random")
"""Upper and lower reference: in every table, never compared."""
HOLD = "hold"
"""The execution in which a chunk is executed as it arrives."""


@dataclasses.dataclass(frozen=True)
class Row:
    """Base of the row types."""

    file_name: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    """Fields that no two rows of a file may share."""
    digits: ClassVar[int] = FLOAT_DIGITS
    """Significant digits of a number with a fraction."""
    decisive: ClassVar[tuple[str, ...]] = ()
    """Fields that decide `contradiction`; empty for all of them."""

    @property
    def contradiction(self) -> str:
        """Which of its values cannot occur together; empty if all can."""
        return ""


@dataclasses.dataclass(frozen=True)
class CellRow(Row):
    """Base of the rows about one cell: one policy on one task, with one sampler and one seed.

    Its setting, delay, execution and perturbation, is the plain one in files of earlier versions.
    """

    setting: ClassVar[tuple[str, ...]] = ("delay", "execution", "perturb")
    """Fields that say under which conditions the policy acts."""
    key: ClassVar[tuple[str, ...]] = (
        *("task", "policy", "sampler", "steps", "train_seed"),
        *setting,
    )

    task: str
    policy: str
    """`expert`, `random`, `flow`, `diffusion`, `bc`, ..."""
    sampler: str
    """`euler`, `heun:late`, `ddpm`, `direct`, ...; empty where nothing is sampled."""
    steps: Count
    """Requested sampler steps; 0 where nothing is sampled, and for adaptive samplers."""
    train_seed: Annotated[int, Within(-1, MAX_INT)]
    """-1 where nothing is trained."""
    delay: Count = dataclasses.field(default=0, kw_only=True)
    """Control steps from an observation to the first action decided from it."""
    execution: str = dataclasses.field(default=HOLD, kw_only=True)
    """How successive chunks are joined: `hold`, `rtc`, ..."""
    perturb: str = dataclasses.field(default="", kw_only=True)
    """The disturbance, e.g. `mass=2`; empty without one."""

    @property
    def is_plain(self) -> bool:
        """Whether the policy acts without delay and disturbance, its chunks as they are."""
        return not self.delay and self.execution == HOLD and not self.perturb

    @property
    def cell(self) -> dict[str, Any]:
        """The values that identify the cell, e.g. for `MeasurementRow(**row.cell, ...)`."""
        return {name: getattr(self, name) for name in CellRow.key}


@dataclasses.dataclass(frozen=True)
class OriginRow(CellRow):
    """Origin of the numbers of one cell, the same for all of its episodes."""

    file_name: ClassVar[str] = "cells.csv"

    task_version: Count
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
    decisive: ClassVar[tuple[str, ...]] = (
        *("success", "success_any", "success_end", "sim_unstable", "time_to_success_s"),
        *("stage", "stages_reached"),
    )

    episode_seed: Count
    success: bool
    """Success held for the task's number of control steps: the benchmark's criterion."""
    success_any: bool
    """Success at one control step or more."""
    success_end: bool
    """Success at the last control step."""
    progress: Annotated[float, Within(0, 1, or_nan=True)]
    """In [0, 1]; NaN where a simulation that diverged has none."""
    episode_return: Annotated[float, ANY]
    length: Count
    """Control steps."""
    time_to_success_s: PossibleAmount
    mode: str
    """Mode of the solution; empty for tasks with one mode."""
    decisions: Count
    """Number of decisions: one chunk is predicted at each."""
    nfe: Amount
    """Mean network evaluations per decision, counted at the network."""
    action_smoothness: Amount
    sim_unstable: bool
    error: str
    boundary_jump: PossibleAmount = dataclasses.field(default=None, kw_only=True)
    """Mean distance of the action at which a chunk takes over from the previous chunk's action."""
    jerk: PossibleAmount = dataclasses.field(default=None, kw_only=True)
    """Mean absolute third difference of the commands."""
    peak_contact_force: PossibleAmount = dataclasses.field(default=None, kw_only=True)
    """Largest normal force of a single contact of the hand at the end of a control step [N]."""
    drops: PossibleCount = dataclasses.field(default=None, kw_only=True)
    """How often a carried object was lost; empty for tasks in which nothing can be dropped."""
    stage: str = dataclasses.field(default="", kw_only=True)
    """The furthest stage of the task that was reached; empty for tasks without stages."""
    stages_reached: PossibleCount = dataclasses.field(default=None, kw_only=True)
    """Its number, 0 for `start`; the last one is the success."""

    @property
    def contradiction(self) -> str:
        """Which of its values cannot occur together; empty if all can."""
        solved = [name for name in ("success", "success_end") if getattr(self, name)]
        if solved and not self.success_any:
            return f"{solved[0]} is true, success_any is false"
        if self.success and self.sim_unstable:
            return "success is true, sim_unstable is too"
        if self.time_to_success_s is not None and not self.success:
            return "success is false, time_to_success_s is there"
        if bool(self.stage) != (self.stages_reached is not None):
            there = ("there", "empty") if self.stage else ("empty", "there")
            return "stage is {}, stages_reached is {}".format(*there)
        return ""


@dataclasses.dataclass(frozen=True)
class MeasurementRow(CellRow):
    """The cost of one trained policy with one sampler."""

    file_name: ClassVar[str] = "measurements.csv"

    headline: bool
    """Whether this is the policy's main configuration; one per task and policy."""
    parameters: Count
    updates: Count
    training_time_s: PossibleAmount
    latency_ms_p50: PossibleAmount
    latency_ms_p95: PossibleAmount
    rows_per_update: PossibleAmount = None
    """Rows of the network in an update, per window of its batch, counted at the network."""
    teacher_updates: Count = 0
    """Updates of the teacher, which come on top."""
    stacked: bool = False
    """Whether it was trained in a stack with other seeds; never so in earlier files."""


@dataclasses.dataclass(frozen=True)
class TrainingRow(Row):
    """One logged update of one training."""

    file_name: ClassVar[str] = "training.csv"
    key: ClassVar[tuple[str, ...]] = ("task", "policy", "train_seed", "update")

    task: str
    policy: str
    train_seed: Count
    update: Count
    loss: Finite
    learning_rate: Amount
    gradient_norm: Amount


@dataclasses.dataclass(frozen=True)
class DiagnosticRow(CellRow):
    """Diagnostics of the chunks of one trained policy with one sampler."""

    file_name: ClassVar[str] = "diagnostics.csv"

    windows: Count
    """Held-out windows of expert episodes; 0 for all but the headline, like `samples`."""
    samples: Count
    """Chunks sampled per window."""
    chunk_distance: PossibleAmount
    """Mean root-mean-square distance from a sample to the expert's chunk, actions in [-1, 1]."""
    nearest_chunk_distance: PossibleAmount
    """The same for the nearest sample of each window."""
    straightness: PossibleAmount
    """Deviation of paths from noise to chunk from straight, 0 to 1 and more; flows only."""
    starts: Count = 0
    """Ambiguous starts; 0 on tasks with one way and in earlier files, where all below is empty."""
    start_samples: Count = 0
    """Chunks sampled per start."""
    bridge_rate: PossibleShare = None
    """Share of sampled chunks that are on none of the demonstrated ways."""
    bridge_error: PossibleAmount = None
    """Its standard error over the starts."""
    minor_way: PossibleShare = None
    """Share of the rarest way in the samples that are on a way, the mean over the starts."""
    expert_bridge_rate: PossibleShare = None
    """Share of demonstrated chunks that are as far from all others as a bridge."""


R = TypeVar("R", bound=Row)


def columns(row_type: type[Row]) -> dict[str, Any]:
    """Return the columns of a row type in order, each with its type."""
    return _columns(row_type, False)  # type: ignore[arg-type]  # types have a hash


def annotated_columns(row_type: type[Row]) -> dict[str, Any]:
    """Return the same with the annotations that state which numbers are accepted."""
    return _columns(row_type, True)  # type: ignore[arg-type]


def ranges(row_type: type[Row]) -> dict[str, Within]:
    """Return the columns of numbers of which only some are accepted, each with those."""
    return _ranges(row_type)  # type: ignore[arg-type]


def later_columns(row_type: type[Row]) -> set[str]:
    """Return the columns that files of an earlier version do not have."""
    fields = dataclasses.fields(row_type)
    return {field.name for field in fields if field.default is not dataclasses.MISSING}


def cell_text(cell: Mapping[str, Any]) -> str:
    """Return the values that identify a cell as text for a message, without a plain setting."""
    plain = {f.name: f.default for f in dataclasses.fields(CellRow) if f.name in CellRow.setting}
    return ", ".join(f"{k}={value}" for k, value in cell.items() if plain.get(k) != value)


def key_of(row: Row) -> tuple[object, ...]:
    """Return the values that identify a row within its file."""
    return tuple(getattr(row, name) for name in row.key)


@cache
def _columns(row_type: Any, annotated: bool) -> dict[str, Any]:
    hints = get_type_hints(row_type, include_extras=annotated)
    names = [field.name for field in dataclasses.fields(row_type)]
    return {name: hints[name] for name in sorted(names, key=CellRow.setting.__contains__)}


@cache
def _ranges(row_type: Any) -> dict[str, Within]:
    notes = {name: get_args(hint)[1:] for name, hint in _columns(row_type, True).items()}
    return {name: n for name, several in notes.items() for n in several if isinstance(n, Within)}
