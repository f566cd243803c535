"""Grids with delays: a figure and tables of all tasks, each execution from one run of a task."""

import csv
from pathlib import Path

import pytest

from fmbench import figures
from fmbench.report.delay.stated import stated_rows
from fmbench.report.results import read_results
from tests.fmbench.runs.grid.small_grid import do_grid, in_this_process, rejected, small_grid
from tests.fmbench.runs.grid.test_disturbed_grid import COMMON
from tests.fmbench.small_run import call, files_of

DELAY = (
    COMMON.replace('"knn", "bc"', '"bc"')
    + """\
[sections.delay]
title = "Delays"
draw = "delay"
delay = ["0", "4"]
variants = [
  { execution = ["hold", "ensemble"] },
  { execution = ["rtc_train"], train_delay = 4 },
]
"""
)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.thorough
def test_delays_are_drawn_over_the_tasks_and_redrawn_with_equal_bytes(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    out = tmp_path / "out"
    do_grid(small_grid(tmp_path, DELAY), out, demonstrations_folder.parent)
    section = out / "delay"
    found = [(r["task"], r["execution"], r["delay"]) for r in table(section / "delays.csv")]
    ways = [(e, d) for e in ("hold", "ensemble", "rtc_train") for d in ("0", "4")]
    assert sorted(found) == sorted((t, *w) for t in ("PressEither", "ReachPose") for w in ways)
    means = table(section / "delays_over_tasks.csv")
    assert sorted((r["execution"], r["delay"]) for r in means) == sorted(ways)
    assert {r["tasks"] for r in means} == {"2"}
    runs = sorted(path for path in section.iterdir() if path.is_dir())
    trained = [run for run in runs if read_results(run).run.config.get("train_delay")]
    assert {row.execution for row in stated_rows([read_results(r) for r in trained])} == {
        "rtc_train"
    }
    names = {"delays.md", "delay.png", "headline.csv", "headline.tex"}
    assert names <= {path.name for path in section.iterdir()}
    before = files_of(section)
    for name in (*names - {"delay.png"}, "delays.csv"):
        (section / name).unlink()
    assert call(figures.main, out) == 0
    assert files_of(section) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"rtc_train"', '"hold"'), "two runs of PressEither with the execution hold; give each"),
        (("train_delay = 4", "train_delay = 4, noise = 0.5"), "runs differ in noise, which draw"),
    ],
)
def test_runs_that_one_figure_does_not_show_are_rejected(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    text = DELAY.replace(*change)
    assert message in rejected(lambda: small_grid(tmp_path, text))


def test_a_figure_of_delays_needs_some(tmp_path: Path) -> None:
    text = DELAY.partition("delay = [")[0]
    assert "draw = 'delay' needs delays" in rejected(lambda: small_grid(tmp_path, text))


@pytest.mark.thorough
def test_policies_are_drawn_at_their_measured_latency(
    demonstrations_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    out, text = tmp_path / "out", COMMON.replace('"knn", "bc"', '"flow", "bc"')
    text += "[sections.deployment]\ndraw = 'deployment'\nlatency = true\ncpu = true\n"
    text += "nfe = [1, 2]\ndelay = ['measured']\n"
    do_grid(small_grid(tmp_path, text), out, demonstrations_folder.parent)
    section = out / "deployment"
    rows = table(section / "deployment.csv")
    expected = [("flow", "1"), ("flow", "2"), ("bc", "1")]
    assert sorted((r["task"], r["policy"], r["steps"]) for r in rows) == sorted(
        (task, *cell) for task in ("PressEither", "ReachPose") for cell in expected
    )
    for row in rows:
        periods = float(row["latency_ms"]) / float(row["control_period_ms"])
        assert int(row["delay"]) - 1 < periods <= int(row["delay"])
    before = files_of(section)
    assert {"deployment.md", "deployment.png", "headline.tex"} <= set(before)
    assert call(figures.main, out) == 0
    assert files_of(section) == before
