"""A grid of seconds, done in this process."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.errors import FmbenchError
from fmbench.exit_code import ExitCode
from fmbench.report.grid import settings
from fmbench.report.matrix import draw as matrix
from fmbench.runs.grid import side_by_side
from fmbench.runs.grid.grid_file import read_grid
from fmbench.runs.grid.options import GridOptions
from fmbench.runs.grid.planned import Grid
from fmbench.runs.grid.processes import Order, Outcome
from fmbench.runs.grid.work import GridWork
from fmbench.runs.grid.worker import do_job
from tests.fmbench.runs.small_experiment import Log, comparable

TEXT = """\
title = "A small grid"

[common]
preset = "smoke"
task = "PressEither"
policy = ["flow", "reflow", "bc"]
episodes = 3
demos = 4
updates = 6
width = 16
depth = 1
nfe = 2

[sections.main]
title = "All policies"
record = 1

[sections.settings]
title = "More updates"
draw = "settings"
policy = ["flow", "bc"]
updates = [6, 8]
"""
TASKS = ("PressEither", "ReachPose")
ORDERS: list[str] = []
"""Names of the jobs that `InProcess` was asked to do."""
RECORDED: list[str] = []
"""Names of the recordings that it was asked to make."""


class InProcess:
    """Does jobs one after another, here."""

    def __init__(self, slots: Sequence[Mapping[str, str]], command: object, stop: object) -> None:
        self.session = Session(Log(Interrupts()), Interrupts())

    def run(
        self,
        orders: Sequence[Order],
        on_end: Callable[[Outcome], None],
        on_note: Callable[[str, str], None],
        on_wait: Callable[[Mapping[str, float]], None],
    ) -> None:
        on_note("nobody", "a note")
        on_wait({order.name: 0.1 for order in orders})
        for order in orders:
            (RECORDED if "record" in order.message else ORDERS).append(order.name)
        for order in orders:
            code, text = do_job(json.loads(json.dumps(order.message)), self.session)
            on_end(Outcome(order.name, code, text, 0.5))
            if code != ExitCode.DONE:
                on_end(Outcome(order.name, code, text, 0.5, 2))


def choose(names: Sequence[str], hand: str | None, are_played: bool) -> tuple[str, ...]:
    """Return the tasks."""
    assert hand is None
    assert are_played
    return tuple(names)


def small_grid(folder: Path, text: str = TEXT) -> Grid:
    """Return the grid of a text, which is written to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "grid.toml"
    path.write_text(text, encoding="utf-8")
    return read_grid(path, choose, TASKS)


def do_grid(grid: Grid, out: Path, data: Path, **options: Any) -> str:
    """Do a grid in this process; return what it reported."""
    interrupts = Interrupts()
    log = Log(interrupts)
    GridWork(grid, out, data, Session(log, interrupts), GridOptions("the command", **options)).run()
    return log.file.getvalue()


def finished_grid(folder: Path, data: Path, text: str = TEXT) -> Path:
    """Do the grid of a text without figures; return the folder of its results."""
    with pytest.MonkeyPatch.context() as patch:
        in_this_process(patch)
        without_figures(patch)
        do_grid(small_grid(folder, text), folder / "out", data)
    return folder / "out"


def rows_of(out: Path) -> dict[str, object]:
    """Return what a grid has found, without jobs and times."""
    folders = sorted(path for path in out.iterdir() if path.is_dir() and path.name != "jobs")
    return {path.name: comparable(path) for path in folders}


def rejected(function: Callable[[], object]) -> str:
    """Return the message of the error that a function raises."""
    try:
        function()
    except FmbenchError as error:
        return str(error)
    raise AssertionError("no error")


def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let grids be done by `InProcess`."""
    monkeypatch.setattr(side_by_side, "Processes", InProcess)
    ORDERS.clear()
    RECORDED.clear()


def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the figures of grids be empty files."""
    for name in ("render_matrix", "render_ways", "render_across_tasks"):
        monkeypatch.setattr(matrix, name, lambda *_: b"")
    monkeypatch.setattr(settings, "render_settings", lambda *_: b"")
