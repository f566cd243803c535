"""Pages for the tests in a browser, from small synthetic runs."""

import dataclasses
from pathlib import Path

import numpy as np

from fmbench.report.page.runs import read_runs
from fmbench.report.page.write import write_page
from fmbench.storage.files import write_json_atomic
from fmbench.storage.row_files import write_rows
from fmbench.storage.rows import MeasurementRow
from tests.fmbench.fake_run import episode_row, make_rows, write_episode_rows

HOSTILE = "<script>alert(1)</script>"
TIERS = {"LiftCube": "sanity check", "PressEither": "ranking", "TurnDial": "ranking"}
TASKS = (("LiftCube", "PressEither"), ("TurnDial",), ("PressEither",), ("LiftCube",))


def write_run(folder: Path, number: int = 0, name: str = "", error: str = "") -> Path:
    """Write a run that differs with its number; with a user's policy and an error, if given."""
    made, measured, _ = make_rows(TASKS[number % len(TASKS)], episodes=20, seed=number)
    policies = {}
    if name:
        rng, configuration = np.random.default_rng(number), ("direct", 1, 1)
        made += [
            episode_row(rng, "LiftCube", "own", configuration, 0, 20_000 + i, 0) for i in range(20)
        ]
        made[-1] = dataclasses.replace(made[-1], error=error)
        policies["own"] = {"label": name, "colour": "#000000", "place": 99}
    write_episode_rows(folder, made)
    write_rows(folder / MeasurementRow.file_name, measured, MeasurementRow)
    config = {"backbone": ("mlp", "unet")[number % 2], "demos": 100 * (1 + number % 3)}
    write_json_atomic(
        folder / "run.json",
        {
            "preset": "quick",
            "config": config,
            "policies": policies,
            "command": f"python -m fmbench.run --policy flow --out 'run {number}'",
            "commit": "abc1234",
        },
    )
    return folder


def page_of(folder: Path, count: int, name: str = "", error: str = "") -> Path:
    """Write a page of some runs into a folder and return its path."""
    runs = [write_run(folder / f"run-{i}", i, name, error) for i in range(count)]
    path = folder / "report.html"
    write_page(read_runs(runs), path, TIERS)
    return path
