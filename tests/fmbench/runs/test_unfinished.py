"""A run that was really interrupted is drawn from its finished cells, and marked everywhere."""

import csv
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench import data_curve, figures, matrix, observations
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.evaluation import contact_sheets
from fmbench.report.results import read_results
from fmbench.runs.experiment import Experiment
from fmbench.runs.run_options import RunOptions
from fmbench.storage.files import read_json
from fmbench.storage.run_facts import read_run_facts
from fmbench.storage.unfinished import read_finished_cells
from tests.fmbench.runs.small_experiment import (
    CONFIG,
    BlankRenderer,
    Log,
    at_few_starts,
    figures_as_text,
    run,
    without_opengl,
)
from tests.fmbench.small_run import call, files_of
from tests.reseal import change_run

TWO = replace(CONFIG, policy=("flow", "bc"), seeds=2, nfe=(1, 2))
"""Eight cells: expert and random; of each seed two of flow, one of bc."""
MARK = "unfinished: 5 of 8 cells"


@pytest.fixture(autouse=True, scope="module")
def short_runs() -> Iterator[None]:
    """Find few starts, but draw the figures, in which marks are looked for."""
    with pytest.MonkeyPatch.context() as patch:
        at_few_starts(patch)
        yield


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def interrupted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run stopped before the second sampler of the second seed of flow; copy it first."""
    out = tmp_path_factory.mktemp("interrupted") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contact_sheets, "TaskRenderer", BlankRenderer)
        with pytest.raises(KeyboardInterrupt):
            run(TWO, out, data, "flow-euler1-seed1 episodes")
    return out


@pytest.fixture
def copy(interrupted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(interrupted, tmp_path / "run"))


def test_the_finished_cells_are_read_in_any_state(copy: Path, data: Path) -> None:
    results = read_results(copy)
    assert not results.complete
    assert results.unfinished == MARK
    assert read_json(copy / "run.json")["planned_cells"] == 8
    assert len(results.episodes) == 5 * TWO.episodes
    assert len(results.origins) == 5
    assert results.comparisons.empty
    shown = {(row.policy, row.steps): row.complete for row in results.summary.itertuples()}
    assert shown == {
        ("expert", 0): True,
        ("random", 0): True,
        ("flow", 1): False,
        ("flow", 2): True,
    }
    (copy / "cells" / ".PressEither-bc-direct1-seed0.csv.77.tmp").write_text("half")
    assert len(read_finished_cells(copy, read_run_facts(copy)).episodes.origins) == 5


def test_figures_marks_title_table_and_file(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(figures.main, copy) == 0
    assert f"warning: {MARK}\n" in capsys.readouterr().err
    text = (copy / "summary.md").read_text()
    assert text.startswith(f"# Results ({MARK})\n")
    assert "| flow | euler 1 | 0/3 (incomplete) |" in text
    assert "Policies are compared when it has finished" in text
    with (copy / "summary.csv").open() as file:
        assert {row["caveat"] for row in csv.DictReader(file)} == {MARK}
    assert {path.name for path in (copy / "figures").glob("success*")} == {
        "success_rates.png",
        "success_vs_nfe.png",
        "success_vs_time.png",
    }
    assert not (copy / "episodes.csv").exists()


def test_an_unfinished_run_is_not_made_ready_to_be_committed(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(copy)
    assert call(figures.main, copy, "--compress") == 2
    assert capsys.readouterr().err == (
        f"error: {copy} has not finished; its own command resumes it\n"
    )
    assert files_of(copy) == before


@pytest.mark.parametrize(
    ("main", "name", "where"),
    [
        (matrix.main, "matrix", "with mlp"),
        (data_curve.main, "data_curve", "with 4 demonstrations"),
        (observations.main, "observations", "from state"),
    ],
)
def test_tables_of_several_runs_are_marked(
    main: Callable[[Sequence[str]], int],
    name: str,
    where: str,
    copy: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(main, copy, "--out", tmp_path / "out") == 0
    line = f"{MARK} of the run {where} (PressEither)"
    assert f"warning: {line}\n" in capsys.readouterr().err
    text = (tmp_path / "out" / f"{name}.md").read_text()
    assert text.splitlines()[0].endswith("(unfinished: 1 of 1 runs)")
    assert f"> **Warning.** {line}\n" in text
    with (tmp_path / "out" / f"{name}.csv").open() as file:
        assert {row["caveat"] for row in csv.DictReader(file)} == {MARK}


@pytest.mark.thorough
def test_no_mark_is_left_when_the_run_has_finished(
    copy: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_sheets, "TaskRenderer", BlankRenderer)
    assert call(figures.main, copy, "--format", "png", "svg") == 0
    unfinished = files_of(copy)
    run(TWO, copy, data)
    assert read_results(copy).complete
    finished = files_of(copy)
    drawn = [path for path in finished if path.startswith(("summary", "figures/s", "figures/t"))]
    assert "figures/success_rates.svg" in drawn
    for path in drawn:
        assert finished[path] != unfinished.get(path)
        assert b"unfinished" not in finished[path]
        (copy / path).unlink()
    assert call(figures.main, copy, "--format", "png", "svg") == 0
    again = files_of(copy)
    assert {path for path in again if path not in finished} == {"figures/training_curves.svg"}
    assert {path: again[path] for path in finished} == finished
    assert b"caveat" not in finished["summary.csv"]


def test_a_run_without_a_finished_cell_is_one_line_and_exit_2(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, tmp_path / "run", data, "expert episodes")
    (tmp_path / "run" / "cells").mkdir(exist_ok=True)
    assert call(figures.main, tmp_path / "run") == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'run'} has no finished cell yet; its own command resumes it\n"
    )


def test_a_run_of_an_earlier_version_does_not_know_how_many_cells_it_plans(copy: Path) -> None:
    change_run(copy, planned_cells=None)
    assert read_results(copy).unfinished == "unfinished: 5 cells"


def test_the_planned_cells_are_those_of_the_finished_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_opengl(monkeypatch)
    figures_as_text(monkeypatch)
    config = replace(TWO, policy=("diffusion", "knn"), task=("PressEither", "ReachPose"))
    interrupts = Interrupts()
    session = Session(Log(interrupts), interrupts)
    experiment = Experiment(config, tmp_path, data, session, RunOptions(times_decisions=False))
    experiment.run()
    cells = {tuple(row.cell.values()) for row in experiment.rows.episodes.rows}
    assert experiment.facts.planned_cells == len(cells) == 2 * (2 + 2 * (3 + 1))
