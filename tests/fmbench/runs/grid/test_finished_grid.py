"""A finished grid is redrawn, checked, evaluated again and shown with policies from outside."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from fmbench import figures
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.session import Session
from fmbench.config import RunConfig
from fmbench.errors import RunFailed
from fmbench.report.grid.draw import draw_grid
from fmbench.report.matrix.pairs import PairRow
from fmbench.report.matrix.rows import MatrixRow
from fmbench.report.page.runs import find_runs
from fmbench.runs.grid import check
from fmbench.runs.grid.check import DIFFERS, ELSEWHERE, EQUAL, CheckedCell, choose_cells, summary
from fmbench.runs.grid.options import GridOptions
from fmbench.runs.grid.second_blocks import evaluate_second_blocks
from fmbench.runs.grid.work import GridWork
from fmbench.runs.second_block import evaluate_second_block
from fmbench.storage.episode_files import compress_run, read_episode_table
from fmbench.storage.grid_folder import read_grid_facts, write_grid_facts
from fmbench.storage.row_files import read_rows
from tests.fmbench.runs.grid.small_grid import (
    ORDERS,
    rejected,
    rows_of,
    small_grid,
)
from tests.fmbench.runs.small_experiment import Log, run
from tests.fmbench.runs.test_outside import OUTSIDE, still
from tests.fmbench.runs.test_outside import run as run_outside
from tests.fmbench.small_run import call, files_of
from tests.reseal import change_run

NOT_ROWS = ("jobs", "jobs.csv")
pytestmark = pytest.mark.usefixtures("in_process")


def test_figures_redraws_a_grid_with_equal_bytes(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out, ignore=shutil.ignore_patterns(*NOT_ROWS))
    assert call(figures.main, out, "--format", "png", "pdf", "svg") == 0
    first = files_of(out)
    assert {"main/matrix.pdf", "settings/settings.svg", "settings/headline.tex"} <= set(first)
    assert call(figures.main, out) == 0
    assert files_of(out) == first
    assert call(figures.main, out, "--compress") == 2
    assert call(figures.main, out, "--format", "gif") == 2


def test_the_second_block_is_that_of_each_run(
    finished: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, grid = tmp_path / "out", small_grid(tmp_path)
    shutil.copytree(finished, out)
    before = rows_of(out)
    interrupts = Interrupts()
    work = GridWork(grid, out, data, Session(Log(interrupts), interrupts), GridOptions("this"))
    evaluate_second_blocks(work)
    printed = capsys.readouterr().out
    assert printed.startswith("main: From the first block of test seeds to the second, success ")
    assert "settings/PressEither-updates8: From the first block" in printed
    assert sorted(ORDERS) == [
        "main/PressEither",
        *(f"settings/PressEither-updates{n}" for n in (6, 8)),
    ]
    alone = tmp_path / "alone"
    run(grid.runs[0].config, alone, data)
    evaluate_second_block(alone, {}, None, Session(Log(interrupts), interrupts), "this")
    compress_run(tmp_path / "alone-test-block-2")
    found, plain = (
        read_episode_table(folder)
        for folder in (out / "main" / "PressEither-test-block-2", tmp_path / "alone-test-block-2")
    )
    assert found.rows == plain.rows
    assert {row.episode_seed for row in found.rows} == {4_000_000, 4_000_001, 4_000_002}
    assert not (out / "main" / "PressEither" / "checkpoints").exists()
    kept = rows_of(out)
    assert (out / "main" / "test_blocks.md").exists()
    ORDERS.clear()
    evaluate_second_blocks(work)
    assert ORDERS == []
    for section, files in before.items():
        assert files.items() <= kept[section].items()
    shutil.rmtree(next(out.glob("jobs/*-bc-*")) / "checkpoints")
    shutil.rmtree(out / "main" / "PressEither-test-block-2")
    shutil.rmtree(out / "settings" / "PressEither-updates6-test-block-2")
    shutil.rmtree(out / "settings" / "PressEither-updates8-test-block-2")
    assert "checkpoints is missing" in rejected(lambda: evaluate_second_blocks(work))


def test_cells_that_are_done_again_are_equal(
    finished: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupts = Interrupts()
    session = Session(Log(interrupts), interrupts)
    count = len(choose_cells(finished, 100, 0))
    assert count == 3 + 2, "a training that two sections show is one"
    assert choose_cells(finished, 3, 1) == choose_cells(finished, 3, 1)
    check.check_cells(finished, 2, 1, data, "cpu", session)
    assert "2 of 2 cells are equal in every row." in capsys.readouterr().out


def test_a_cell_that_differs_is_a_failure(
    finished: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(config: RunConfig, *rest: object) -> object:
        return original(dataclasses.replace(config, updates=config.updates + 1), *rest)

    original = check._evaluate
    monkeypatch.setattr(check, "_evaluate", other)
    interrupts = Interrupts()
    session = Session(Log(interrupts), interrupts)
    with pytest.raises(RunFailed, match="cells differ from the rows in"):
        check.check_cells(finished, 100, 0, data, "cpu", session)


def test_the_summary_of_a_check_states_the_mean_difference() -> None:
    cell = CheckedCell("main/A", "A-flow", 90, 92, 100, 4, ELSEWHERE)
    same = dataclasses.replace(cell, redone=90, other=0, verdict=EQUAL)
    wrong = dataclasses.replace(cell, verdict=DIFFERS)
    assert summary([same, same]) == "2 of 2 cells are equal in every row."
    assert summary([same, wrong]) == "1 of 2 cells are equal in every row."
    assert summary([cell]).endswith("redone minus recorded is +2.0 points.")
    text = summary([cell, dataclasses.replace(cell, redone=88)])
    assert "is +0.0 points (95 % -25.4 to +25.4, t over 2 cells)." in text


def test_policies_from_outside_are_drawn_with_a_section(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(finished, out, ignore=shutil.ignore_patterns(*NOT_ROWS))
    facts = read_grid_facts(out)
    main = dataclasses.replace(facts.sections[0], outside=("PressEither-still", "PressEither-no"))
    write_grid_facts(out, dataclasses.replace(facts, sections=(main, *facts.sections[1:])))
    before = choose_cells(out, 100, 0)
    run_outside(still(0.0), out / "main" / "PressEither-still", draws=False)
    shutil.copytree(out / "main" / "PressEither-still", out / "main" / "PressEither-no")
    for path in (out / "main" / "PressEither-no").glob("*.csv*"):
        path.unlink()
    change_run(out / "main" / "PressEither-no", complete=False, sha256=None)  # still at work
    warnings: list[str] = []
    draw_grid(out, warn=warnings.append)
    assert warnings[0] == (
        "1 of 2 runs of policies from outside are missing, the first is main/PressEither-no"
    )
    rows = read_rows(out / "main" / MatrixRow.file_name, MatrixRow)
    (row,) = [row for row in rows if row.policy == OUTSIDE]
    assert (row.task, row.backbone, row.success_rate) == ("PressEither", "none", 0.0)
    pairs = read_rows(out / "main" / PairRow.file_name, PairRow)
    assert {pair.policy_a for pair in pairs if pair.policy_b == OUTSIDE} == {"flow", "reflow", "bc"}
    assert "outside policy" in (out / "main" / "headline.md").read_text()
    assert choose_cells(out, 100, 0) == before, "they are not trained here"
    assert len(find_runs([out])) == len(find_runs([finished])) + 2
