"""Grids with disturbances: planned for the tasks that have them, drawn over all tasks."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from fmbench import figures
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.runs.grid.options import GridOptions
from fmbench.runs.grid.planned import Grid
from fmbench.runs.grid.work import GridWork
from fmbench.storage.episode_files import read_episode_table
from tests.fmbench.runs.grid.small_grid import do_grid, in_this_process, rejected, small_grid
from tests.fmbench.runs.small_experiment import Log
from tests.fmbench.small_run import call, files_of

COMMON = """\
[common]
preset = "smoke"
task = ["PressEither", "ReachPose"]
policy = ["knn", "bc"]
episodes = 3
demos = 4
updates = 6
width = 16
depth = 1
"""
PERTURB = (
    COMMON
    + """\
[sections.perturb]
title = "Retention"
draw = "disturbances"
perturb = ["obs-noise=0.1", "mass=2", "kp=2"]
"""
)
OF_TASK = {
    "PressEither": ("obs-noise=0.1", "mass=2", "kp=2"),
    "ReachPose": ("obs-noise=0.1", "kp=2"),
}


def planned(grid: Grid, folder: Path) -> GridWork:
    interrupts = Interrupts()
    session = Session(Log(interrupts), interrupts)
    return GridWork(grid, folder / "out", folder / "data", session, GridOptions("the command"))


def test_each_task_has_the_disturbances_that_it_can_have(tmp_path: Path) -> None:
    work = planned(small_grid(tmp_path, PERTURB), tmp_path)
    assert {run.config.task[0]: run.config.perturb for run in work.plan.jobs_of} == OF_TASK
    cells = Counter[str]()
    for job in work.plan.jobs:
        cells[job.config.task[0]] += job.cells
    assert cells == {"PressEither": 2 + 2 + 2 * (1 + 3), "ReachPose": 2 + 1 + 2 * (1 + 2)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('["PressEither", "ReachPose"]', '["ReachPose"]'), "section perturb: --perturb mass=2: "),
        (("mass=2", "mas=2"), "section perturb: unknown axis 'mas'; did you mean mass?"),
        (("mass=2", "kp=2.0"), "which are the same; give each setting once"),
        (('perturb = ["obs', 'noise = 1.0\n#["obs'), "draw = 'disturbances' needs disturbances; a"),
        (("[sections.perturb]", "[sections.perturb]\nnoise = [0.5, 1.0]"), "differ in noise, whi"),
    ],
)
def test_what_cannot_be_is_one_line_before_any_work(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    text = PERTURB.replace(*change)
    error = rejected(lambda: planned(small_grid(tmp_path, text), tmp_path))
    assert message in error
    assert "\n" not in error


def test_a_grid_with_disturbances_is_drawn_over_its_tasks_and_redrawn_with_equal_figures(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    out = tmp_path / "out"
    do_grid(small_grid(tmp_path, PERTURB), out, demonstrations_folder.parent)
    section = out / "perturb"
    for task, settings in OF_TASK.items():
        rows = read_episode_table(section / task).table.rows
        found = {(row.policy, row.perturb) for row in rows if row.perturb}
        expert = {("expert", text) for text in settings if text != "obs-noise=0.1"}
        assert found == expert | {(p, text) for p in ("knn", "bc") for text in settings}
    with (section / "retention.csv").open(encoding="utf-8", newline="") as file:
        kept = list(csv.DictReader(file))
    tasks = {(row["perturb"], row["policy"]): row["tasks"] for row in kept}
    assert list(dict.fromkeys(text for text, _ in tasks)) == list(OF_TASK["PressEither"])
    assert tasks["obs-noise=0.1", "bc"] == tasks["kp=2", "knn"] == "2"
    assert tasks["mass=2", "knn"] == tasks["mass=2", "expert"] == "1"
    assert ("obs-noise=0.1", "expert") not in tasks
    head = (section / "headline.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:2] for line in head] == [
        ["disturbance", "tasks"],
        *([text, tasks[text, "bc"]] for text in OF_TASK["PressEither"]),
    ]
    names = {"retention.md", "retention.png", "disturbances.csv", "headline.tex", "headline.md"}
    assert names <= {path.name for path in section.iterdir()}
    assert call(figures.main, out, "--format", "pdf", "svg") == 0
    before = files_of(section)
    assert {"retention.pdf", "retention.svg"} <= set(before)
    for name in (*names - {"retention.png"}, "retention.csv"):
        (section / name).unlink()
    assert call(figures.main, out) == 0
    assert files_of(section) == before
