"""Event files of TensorBoard: the curves of a run's trainings and the success of its cells.

They are a function of what the run has stored. A process that resumes it writes all points again,
in files of its own that begin with a mark at which TensorBoard forgets those before: none is shown
twice, or is of an update that was lost. The earlier files stay, because a TensorBoard that is open
stops where one vanishes. TensorBoard itself does not take part; only its records are written.
"""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from fmbench.evaluation.cells import Cell
from fmbench.report.statistics import wilson_interval
from fmbench.runs.sharing import RunTraining
from fmbench.storage.files import append_bytes
from fmbench.storage.rows import EpisodeRow

FOLDER = "tensorboard"
PREFIX = "events.out.tfevents."
VERSION = "brain.Event:2"


class CurveFiles:
    """A folder of event files, one curve per training.

    Args:
        out: The run's folder.
    """

    def __init__(self, out: Path) -> None:
        self._folder = out / FOLDER
        # TensorBoard reads the files of a folder in the order of their names.
        self._name = f"{PREFIX}{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self._begun: set[str] = set()

    def write(self, curve: str, points: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Append points, a step and values by name, to this process's file of a curve."""
        folder = self._folder / curve
        events = [_event(step, values) for step, values in points]
        if curve not in self._begun:
            folder.mkdir(parents=True, exist_ok=True)
            events[:0] = _start()
            self._begun.add(curve)
        data = io.BytesIO()
        records = RecordWriter(data)
        for event in events:
            records.write(event.SerializeToString())
        append_bytes(folder / self._name, data.getvalue())


class EventFiles:
    """A folder of event files, one curve per training; see `fmbench.runs.watching.Watcher`.

    Training points are at their update; the success of a cell is at the last update of its policy,
    with the bounds of its 95 % interval (Wilson).

    Args:
        out: The run's folder.
    """

    title = "TensorBoard's event files"

    def __init__(self, out: Path) -> None:
        self._files = CurveFiles(out)
        self._update: dict[str, int] = {}
        """Curve to the last update that is on it."""

    def trained(self, training: RunTraining) -> None:
        """Write the logged updates that are new."""
        curve = _curve(training.task, training.policy, training.train_seed)
        last = self._update.get(curve, 0)
        state = training.state
        self._update[curve] = max(last, state.update)
        new = [entry for entry in state.log if entry.update > last]
        points = [
            (
                entry.update,
                {
                    "training/loss": entry.loss,
                    "training/learning_rate": entry.learning_rate,
                    "training/gradient_norm": entry.gradient_norm,
                },
            )
            for entry in new
        ]
        if points:
            self._files.write(curve, points)

    def evaluated(self, cell: Cell, rows: Sequence[EpisodeRow]) -> None:
        """Write the success of a cell, with the bounds of its interval."""
        curve = _curve(cell.task, cell.policy, cell.train_seed)
        successes, way = sum(row.success for row in rows), cell.way or "plain"
        low, high = wilson_interval(successes, len(rows))
        values = {
            f"success/{way}": successes / len(rows),
            f"success_low/{way}": low,
            f"success_high/{way}": high,
        }
        self._files.write(curve, [(self._update.get(curve, 0), values)])

    def finished(self) -> None:
        """Do nothing: all points are written."""


def _curve(task: str, policy: str, train_seed: int) -> str:
    """Return the folder of a training's curve; what is not trained has one without seed."""
    return Cell(task, policy, train_seed=train_seed).name


def _start() -> list[Event]:
    """Return the first events of a file; at a start all points from its step on are forgotten."""
    now = time.time()
    start = SessionLog(status=SessionLog.START)
    return [
        Event(wall_time=now, file_version=VERSION),
        Event(wall_time=now, step=0, session_log=start),
    ]


def _event(step: int, values: Mapping[str, float]) -> Event:
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=v) for tag, v in values.items()])
    return Event(wall_time=time.time(), step=step, summary=summary)
