"""Record the physics calls of fmbench, and repeat them on a bare batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import mujoco
import numpy as np
from mujoco.batch import Batch

import envs.world
from tests.benchmarks.interleaved import Duration, Stopwatch

NO_STAGE = mujoco.mjtStage.mjSTAGE_NONE


@dataclass(frozen=True)
class Start:
    """States that were set in rows before a `forward`."""

    ids: np.ndarray
    states: np.ndarray
    stage: Any
    model_fields: dict[str, np.ndarray]
    """The rows' values of every model field that differs between rows."""
    changed: np.ndarray
    """The rows whose model's constants were computed anew."""


@dataclass(frozen=True)
class Step:
    """One call of `Batch.step` with its controls."""

    ids: np.ndarray
    controls: np.ndarray
    nstep: int
    stage: Any


@dataclass
class Recording:
    """The calls of one batch, and its final positions."""

    model: mujoco.MjModel
    nsim: int
    nthread: int
    calls: list[Start | Step] = field(default_factory=list)
    final_qpos: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def control_steps(self) -> int:
        """Number of control steps, summed over rows and calls."""
        return sum(len(call.ids) for call in self.calls if isinstance(call, Step))

    @property
    def physics_steps(self) -> int:
        """Number of simulation steps, summed over rows and calls."""
        return sum(call.nstep * len(call.ids) for call in self.calls if isinstance(call, Step))


@contextmanager
def recorded() -> Iterator[list[Recording]]:
    """Record every world that is created in the block, one recording each."""
    recordings: list[Recording] = []

    class RecordingBatch(Batch):  # type: ignore[misc]
        def __init__(self, model: mujoco.MjModel, nsim: int, **options: Any) -> None:
            super().__init__(model, nsim, **options)
            self.recording = Recording(model, nsim, options["nthread"])
            self.row_fields: dict[str, np.ndarray] = {}
            self.changed = np.zeros(0, dtype=np.int64)
            recordings.append(self.recording)

        def expand(self, name: str) -> np.ndarray:
            self.row_fields[name] = super().expand(name)
            return self.row_fields[name]

        def set_const(self, ids: np.ndarray) -> None:
            self.changed = ids.copy()
            super().set_const(ids=ids)

        def forward(self, ids: np.ndarray, stage: Any) -> None:
            fields = {name: values[ids].copy() for name, values in self.row_fields.items()}
            state, changed = self.state[ids].copy(), self.changed
            self.recording.calls.append(Start(ids.copy(), state, stage, fields, changed))
            self.changed = np.zeros(0, dtype=np.int64)
            super().forward(ids=ids, stage=stage)

        def step(self, ids: np.ndarray, nstep: int, stage: Any) -> None:
            controls = self.bind("ctrl")[ids].copy()
            self.recording.calls.append(Step(ids.copy(), controls, nstep, stage))
            super().step(ids=ids, nstep=nstep, stage=stage)
            self.recording.final_qpos = self.bind("qpos").copy()

    with patch.object(envs.world, "Batch", RecordingBatch):
        yield recordings


class Repetition:
    """A bare batch that repeats the calls of a recording, bit for bit.

    Calling it returns only the time spent setting states and controls, in `Batch.forward` and in
    `Batch.step`.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.batch = Batch(
            recording.model, recording.nsim, nthread=recording.nthread, persistent=True
        )
        starts = [call for call in recording.calls if isinstance(call, Start)]
        names = starts[0].model_fields if starts else {}
        self._row_fields = {name: self.batch.expand(name) for name in names}

    def __call__(self) -> Duration:
        batch, controls, watch = self.batch, self.batch.bind("ctrl"), Stopwatch()
        for call in self.recording.calls:
            if isinstance(call, Step):
                with watch:
                    controls[call.ids] = call.controls
                    batch.step(ids=call.ids, nstep=call.nstep, stage=call.stage)
            else:
                batch.reset(ids=call.ids, stage=NO_STAGE)
                with watch:
                    batch.state[call.ids] = call.states
                    for name, values in call.model_fields.items():
                        self._row_fields[name][call.ids] = values
                    if len(call.changed):
                        batch.set_const(ids=call.changed)
                    batch.forward(ids=call.ids, stage=call.stage)
        if not np.array_equal(batch.bind("qpos"), self.recording.final_qpos):
            raise RuntimeError("the repeated physics ended elsewhere; the ratio is meaningless")
        return watch.duration
