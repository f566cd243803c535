"""The command `python -m fmbench.report`: one page from runs, and one line for what is wrong."""

import shutil
import sys
from pathlib import Path

import pytest

from fmbench.cli.task_names import tiers
from fmbench.report.__main__ import main
from fmbench.report.page.write import write_page
from tests.fmbench.fake_run import write_run
from tests.fmbench.read_only import read_only, run_obeying
from tests.fmbench.small_run import call


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("one") / "run", tasks=["LiftCube"], episodes=10)


def test_a_single_run_has_its_page_in_its_folder(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(main, run, "--no-media") == 0
    page = run / "report.html"
    assert capsys.readouterr().out == f"{page} ({page.stat().st_size / 1e6:.1f} MB)\n"
    first = page.read_bytes()
    assert call(main, run, "--no-media", "--out", run / "again.html") == 0
    assert (run / "again.html").read_bytes() == first


def test_several_runs_have_it_in_the_current_folder(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = write_run(tmp_path / "other", tasks=["TurnDial"], episodes=10, seed=1)
    assert call(main, run, other, "--no-media") == 0
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "2 runs, 2 tasks, 200 episodes." in text


def test_a_damaged_run_is_named_and_the_others_are_shown(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, page = Path(shutil.copytree(run, tmp_path / "bad")), tmp_path / "page.html"
    rows = (bad / "episodes.csv").read_text(encoding="utf-8")
    (bad / "episodes.csv").write_text(
        rows.replace("LiftCube,flow,", "LiftCube,bc,", 1), encoding="utf-8"
    )
    assert call(main, bad, run, "--no-media", "--out", page) == 0
    *_, warning = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: left out: ")
    assert str(bad / "cells.csv") in warning
    text = page.read_text(encoding="utf-8")
    assert "1 run, 1 task, 100 episodes. Left out, because they cannot be read: 1 run; see" in text
    assert f"<li>{warning.removeprefix('warning: ')}. <span" in text
    assert call(main, bad, "--no-media", "--out", tmp_path / "no.html") == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"error: {bad / 'cells.csv'}")
    assert not (tmp_path / "no.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "RUN must be given; see --help"),
        (["none"], "none does not exist; give folders of runs or of grids"),
        (["RUN", "RUN"], "is given twice"),
        (["RUN", "--out", "page.pdf"], "page.pdf, no name of a page; give a file, e.g. page.html"),
        (["RUN", "--out", "."], "--out is ., a folder; give a file, e.g. report.html"),
        (["RUN", "--out", "../page.html"], "without '..'"),
        (["RUN", "--margin", "0"], "--margin is 0; give a number from 0.1 to 50"),
    ],
)
def test_what_is_wrong_is_one_line(
    words: list[str],
    message: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(main, *(run if word == "RUN" else word for word in words)) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("error: ")
    assert message in err
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_one_line_before_any_work(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    assert call(main, run, run / "none") == 2
    assert capsys.readouterr().err == (
        "error: the report needs the package plotly; install it with: "
        "pip install -c constraints.txt -e '.[report]'\n"
    )


def test_a_folder_that_cannot_be_written_is_one_line_before_any_work(
    run: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    with read_only(copy):
        done = run_obeying(tmp_path, "-m", "fmbench.report", "copy")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "copy; give a folder that can be written" in done.stderr


def test_a_page_without_runs_says_so(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "page.html"
    assert write_page([], path) == path
    text = path.read_text(encoding="utf-8")
    assert "No run was given, so there is nothing to show." in text
    assert "<table" not in text


def test_tiers_are_those_of_the_registry() -> None:
    assert tiers()["LiftCube"] == "sanity check"
    assert tiers()["PressEither"] == "ranking"
