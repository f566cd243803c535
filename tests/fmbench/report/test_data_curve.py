"""Data curves: one table of runs that differ only in task and number of demonstrations."""

import dataclasses
import json
from pathlib import Path

import pytest

from envs.registry import TASKS as KNOWN_TASKS
from envs.registry import suite
from fmbench.data_curve import main
from fmbench.errors import FmbenchError
from fmbench.report.curve import draw
from fmbench.report.curve.draw import draw_curve
from fmbench.report.curve.rows import CurveRow, curve_rows
from fmbench.report.curve.text import separation
from fmbench.report.results import Results
from fmbench.storage.row_files import read_rows
from tests.fmbench.fake_run import write_run

TASKS = ("LiftCube", "PressEither")
RESULTS = Path(__file__).parents[3] / "results"


def make_run(folder: Path, demos: int, episodes: int = 40, **config: object) -> Path:
    write_run(folder, tasks=TASKS, train_seeds=(0,), episodes=episodes)
    run = json.loads((folder / "run.json").read_text())
    run["config"] = {"demos": demos, "updates": 100, "task": list(TASKS), **config}
    (folder / "run.json").write_text(json.dumps(run))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path / str(demos), demos) for demos in (10, 200)]


def test_every_policy_has_a_row_for_each_number(runs: list[Path], tmp_path: Path) -> None:
    written = draw_curve(runs, tmp_path / "out")
    rows = read_rows(written[0], CurveRow)
    assert {(r.policy, r.demos) for r in rows if r.task == "LiftCube"} == {
        *((policy, demos) for policy in ("flow", "diffusion", "bc") for demos in (10, 200)),
        ("expert", 0),
        ("random", 0),
    }
    text = written[1].read_text()
    header = next(line for line in text.splitlines() if line.startswith("| Task"))
    assert (
        "| flow 10 | flow 200 | diffusion 10 | diffusion 200 | bc 10 | bc 200 | expert |" in header
    )
    assert "| Ahead at 200 demonstrations |" in header
    assert sum(line.startswith(("| LiftCube", "| PressEither")) for line in text.splitlines()) == 2
    first = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in draw_curve(runs, tmp_path / "out")] == first


def test_another_expert_is_named_without_demonstrations(runs: list[Path], tmp_path: Path) -> None:
    make_run(runs[1], 200, episodes=19)
    with pytest.raises(FmbenchError, match=r"two runs have expert on \w+; only equal rows"):
        draw_curve(runs, tmp_path / "out")


def test_runs_may_differ_in_evaluations_besides_the_headline(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "few", 10, nfe=[10]), make_run(tmp_path / "more", 200, nfe=[2, 10])]
    assert draw_curve(runs, tmp_path / "out")


def test_a_curve_is_at_one_number_of_evaluations(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows_at_other_steps(results: Results) -> list[CurveRow]:
        rows = curve_rows(results)
        return [
            dataclasses.replace(row, steps=7) if (row.policy, row.demos) == ("flow", 200) else row
            for row in rows
        ]

    monkeypatch.setattr(draw, "curve_rows", rows_at_other_steps)
    message = (
        r"the headline of flow on LiftCube with 10 demonstrations is euler \d+, that of flow on "
        "LiftCube with 200 demonstrations euler 7; evaluate both with the same largest --nfe"
    )
    with pytest.raises(FmbenchError, match=message):
        draw_curve(runs, tmp_path / "out")


def row(policy: str, demos: int, low: float, high: float, ahead: str = "") -> CurveRow:
    rate = (low + high) / 2
    return CurveRow("T", policy, demos, "s", 1, 1, 100, rate, low, high, ahead)


def test_differences_are_those_at_the_most_demonstrations() -> None:
    expert = row("expert", 0, 0.96, 1.0)
    few = [row("flow", 10, 0.1, 0.2, "bc"), row("bc", 10, 0.0, 0.05)]
    many = [row("flow", 200, 0.95, 1.0), row("bc", 200, 0.94, 1.0)]
    assert separation([expert, *few, *many]) == "none", "10 demonstrations do not count"
    many = [row("flow", 200, 0.95, 1.0, "bc"), row("bc", 200, 0.4, 0.6)]
    assert separation([expert, *few, *many]) == "flow > bc; expert > bc"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"updates": 7}, "runs in one table may differ only in task, demos, nfe, preset, device"),
        ({"demos": 10}, "two runs have flow on LiftCube with 10 demonstrations; only equal"),
    ],
)
def test_runs_that_cannot_be_combined_are_rejected(
    change: dict[str, object],
    message: str,
    runs: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    facts = json.loads((runs[1] / "run.json").read_text())
    facts["config"] |= change
    (runs[1] / "run.json").write_text(json.dumps(facts))
    assert main([*map(str, runs), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_sanity_tasks_have_no_difference_in_the_committed_rows() -> None:
    rows = read_rows(RESULTS / "demonstrations" / CurveRow.file_name, CurveRow)
    measured = {row.task for row in rows}
    assert measured == set(suite())
    for task in measured:
        of_task = [row for row in rows if row.task == task]
        assert {row.demos for row in of_task} == {0, 10, 50, 200}
        assert KNOWN_TASKS[task].is_sanity == (separation(of_task) == "none"), task
