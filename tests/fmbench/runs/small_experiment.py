"""A run of seconds in this process, without OpenGL, and what of it is comparable."""

import bz2
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from envs.registry import make_task
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.progress import Reporter, Stage
from fmbench.cli.session import Session
from fmbench.config import RunConfig
from fmbench.evaluation import ambiguous_starts, contact_sheets
from fmbench.evaluation.held_out import held_out_windows
from fmbench.report import draw
from fmbench.report.results import Results
from fmbench.runs import cell_store, trainer
from fmbench.runs.experiment import Experiment
from fmbench.runs.run_options import RunOptions
from fmbench.sight.opening import Sight
from tests.fmbench.small_run import files_of

CONFIG = RunConfig(
    task=("PressEither",),
    preset="smoke",
    episodes=3,
    demos=4,
    updates=6,
    batch_size=16,
    width=16,
    depth=1,
    nfe=(2,),
)
TIMES = ("training_time_s", "seconds", "command")
"""Columns and facts that differ between equal runs."""
HASHES_OF_TIMES = ("sha256", "manifest_sha256", "run_sha256")
"""Hashes of files in which there are times; the files themselves are compared."""


class BlankRenderer:
    """Images without OpenGL."""

    def __init__(self, task: object, width: int, height: int) -> None:
        self.shape = (1, height, width, 3)

    def rows(self, world: object, rows: object) -> np.ndarray:
        return np.zeros(self.shape, np.uint8)

    def close(self) -> None:
        pass


class Log(Reporter):
    """Collects the printed lines; requests a stop in the first stage named like `stop_in`."""

    def __init__(self, interrupts: Interrupts, stop_in: str = "never") -> None:
        self.file = io.StringIO()
        super().__init__(Console(file=self.file, soft_wrap=True, highlight=False))
        self.interrupts, self.stop_in = interrupts, stop_in

    @contextmanager
    def stage(
        self, name: str, total: int, done: int = 0, pieces: Sequence[str] = ()
    ) -> Iterator[Stage]:
        self.interrupts.requested |= self.stop_in in name
        with super().stage(name, total, done, pieces) as stage:
            yield stage


def without_opengl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let contact sheets be blank."""
    monkeypatch.setattr(contact_sheets, "TaskRenderer", BlankRenderer)


def at_few_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bridge rates be measured at two starts, of two demonstrations in each way.

    Chunks are compared with the expert's in two episodes. Starts and episodes of experts are found
    once in a process: that they are the same again is tested in `tests/fmbench/evaluation`.
    """
    monkeypatch.setattr(ambiguous_starts, "STARTS", 2)
    monkeypatch.setattr(ambiguous_starts, "DRAWS", 2)
    monkeypatch.setattr(cell_store, "ambiguous_starts", _starts)
    monkeypatch.setattr(cell_store, "held_out_windows", _windows)


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep what a function of a run and a task returns, for policies that observe the state."""
    known: dict[object, Any] = {}

    def kept(config: RunConfig, task: str, sight: Sight | None = None) -> Any:
        if sight is not None:
            return function(config, task, sight)
        horizons = config.obs_horizon, config.pred_horizon
        key = make_task(task), config.noise, horizons, config.device
        if key not in known:
            known[key] = function(config, task)
        return known[key]

    return kept


_starts = _once(ambiguous_starts.ambiguous_starts)
_windows = _once(partial(held_out_windows, episodes=2))


def figures_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every figure of a run be the rows that figures show, as text."""
    monkeypatch.setattr(draw, "render", _rows_as_text)
    for name in (
        "render_across_tasks", "render_delay", "render_disturbances", "render_behaviour"
    ):  # fmt: skip
        monkeypatch.setattr(draw, name, lambda rows, *_: repr(rows).encode())


def _rows_as_text(_: object, results: Results, __: str) -> bytes:
    frames = (results.episodes, results.training, results.diagnostics)
    return "".join(frame.to_csv() for frame in frames).encode()


@contextmanager
def quickly() -> Iterator[None]:
    """Let runs replace checkpoints twice, find few starts, draw text, and need no OpenGL."""
    with pytest.MonkeyPatch.context() as patch:
        without_opengl(patch)
        patch.setattr(trainer, "CHECKPOINT_UPDATES", 2)
        at_few_starts(patch)
        figures_as_text(patch)
        yield


def run(
    config: RunConfig,
    out: Path,
    data: Path,
    stop_in: str = "never",
    accept_changes: bool = False,
) -> str:
    """Run an experiment without measuring latencies, and return its printed lines."""
    interrupts = Interrupts()
    log = Log(interrupts, stop_in)
    session = Session(log, interrupts)
    options = RunOptions("the command", times_decisions=False, accept_changes=accept_changes)
    Experiment(config, out, data, session, options).run()
    return log.file.getvalue()


def comparable(folder: Path) -> dict[str, object]:
    """Return the files of a run folder, with times and hidden files left out; images by hash."""
    return {
        name: _without_times(name, data)
        for name, data in files_of(folder).items()
        if not Path(name).name.startswith(".")
    }


def _without_times(name: str, data: bytes) -> object:
    if name.endswith(".csv.bz2"):
        return _without_times(name.removesuffix(".bz2"), bz2.decompress(data))
    if name.endswith(".csv"):
        rows = list(csv.DictReader(io.StringIO(data.decode())))
        return [_plain(row, in_cell="cells/" in name) for row in rows]
    if name.endswith(".json"):
        return {k: v for k, v in json.loads(data).items() if k not in (*TIMES, *HASHES_OF_TIMES)}
    if name == "summary.md":
        return [line for line in data.decode().splitlines() if " s |" not in line]
    return hashlib.sha256(data).hexdigest()  # pytest compares long values for minutes


def _plain(row: dict[str, str], in_cell: bool) -> dict[str, str]:
    """Return a row without times, and without the seal of a cell's file with times."""
    timed = in_cell and "training_time_s" in row
    return {k: v for k, v in row.items() if k not in TIMES and not (timed and k == "rows_hash")}
