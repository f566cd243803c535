"""Symbolic links in a run folder: those that lead out of it are refused, nothing is written there.

A run folder may itself be a link, and links that stay inside are followed.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fmbench import data_curve, evaluate, figures, matrix, observations
from fmbench import run as run_command
from tests.fmbench.runs.finished_pair import HEUN, make_pair
from tests.fmbench.runs.small_experiment import comparable
from tests.fmbench.small_run import SMALL, call, files_of

Main = Callable[[Sequence[str]], int]
FOLDERS = ("cells", "checkpoints", "checkpoints/PressEither-flow-seed0", "figures")
FILES = ("run.json", "episodes.csv", "summary.md", "figures/success_rates.png", "new.txt")

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.usefixtures("torch_threads")]


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pair(tmp_path_factory.mktemp("finished"), data)


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "runs"))


def commands(root: Path, data: Path) -> list[tuple[Main, Sequence[object]]]:
    """Return the commands that use the run in `root`, as its owner or as a reader."""
    run, out = root / "run", root.parent
    return [
        (run_command.main, (*SMALL, "--no-latency", "--out", run, "--data", data)),
        (evaluate.main, (run, *HEUN, "--out", out / "heun")),
        (figures.main, (run,)),
        (matrix.main, (run, "--out", out / "matrix")),
        (data_curve.main, (run, "--out", out / "curve")),
        (observations.main, (run, "--out", out / "observations")),
    ]


@pytest.mark.parametrize("name", [*FOLDERS, *FILES])
def test_links_out_of_a_run_folder_are_refused(
    name: str, copy: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside, outside = copy / "run" / name, tmp_path / "outside"
    if inside.exists():
        inside.rename(outside)
    else:
        outside.write_text("mine")
    inside.symlink_to(outside)
    before = files_of(tmp_path)
    for main, words in commands(copy, data):
        assert call(main, *words) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err == (
            f"error: {inside} is a symbolic link out of the folder, to {outside}; replace it by "
            "what it leads to, or link the whole folder\n"
        )
    assert files_of(tmp_path) == before


def test_links_out_of_the_folder_of_an_evaluation_are_refused(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "heun" / "cells").rename(tmp_path / "outside")
    (copy / "heun" / "cells").symlink_to(Path("..", "..", "outside"))
    before = files_of(tmp_path / "outside")
    assert call(evaluate.main, copy / "run", *HEUN, "--out", copy / "heun") == 2
    assert "is a symbolic link out of the folder, to ../../outside;" in capsys.readouterr().err
    assert files_of(tmp_path / "outside") == before


def test_a_run_folder_that_is_a_link_and_links_inside_it_work(
    copy: Path, data: Path, finished: Path, tmp_path: Path
) -> None:
    (copy / "run").rename(tmp_path / "elsewhere")
    (copy / "run").symlink_to(tmp_path / "elsewhere")
    run = tmp_path / "elsewhere"
    (run / "figures").rename(run / "pictures")
    (run / "figures").symlink_to("pictures")
    (run / "cells").rename(run / "checkpoints" / "cells")
    (run / "cells").symlink_to(run / "checkpoints" / "cells")
    (run / "notes").symlink_to("summary.md")
    for main, words in commands(copy, data):
        assert call(main, *words) == 0
    rows = comparable(finished / "run")
    now = comparable(run)
    assert {name: now.get(name) for name in rows if "/" not in name} == {
        name: value for name, value in rows.items() if "/" not in name
    }
    assert (run / "figures").is_symlink()
    assert (run / "cells").is_symlink()


@pytest.mark.parametrize("name", ["loop", "nowhere"])
def test_links_that_lead_nowhere_are_refused(
    name: str, copy: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = copy / "run" / name
    link.symlink_to(link if name == "loop" else tmp_path / "missing")
    for main, words in commands(copy, data):
        assert call(main, *words) == 2
        err = capsys.readouterr().err
        assert err.startswith(f"error: {link} is a symbolic link ")
        assert err.count("\n") == 1
    assert not (tmp_path / "missing").exists()
