"""Runs of a page: folders of runs and of grids, in order and each once."""

from pathlib import Path

import pytest

from fmbench.errors import FmbenchError
from fmbench.report.page.runs import find_runs, read_runs
from fmbench.storage.grid_folder import GridFacts, SectionFacts, write_grid_facts
from tests.fmbench.fake_run import write_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the runs `a` and `b` and the grids `g` and `h`, of a run each."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("a", "b", "g/s/one", "h/s/one"):
        write_run(folder / name, tasks=["fmbench/LiftCube-v0"])
    for grid in ("g", "h"):
        sections = (SectionFacts("s", "Title", "matrix", {"one": "0", "missing": "1"}),)
        write_grid_facts(folder / grid, GridFacts(1, "Grid", sections, "command", ""))
    return folder


def test_order_is_that_of_the_command(folder: Path) -> None:
    done: list[int] = []
    runs = read_runs([folder / "b", folder / "g", folder / "a"], progress=done.append)
    assert [run.name for run in runs] == [str(folder / "b"), "s/one", str(folder / "a")]
    assert [run.folder for run in runs] == [folder / name for name in ("b", "g/s/one", "a")]
    assert all(len(run.results.summary) for run in runs)
    assert done == [1, 2, 3]


def test_runs_of_two_grids_have_different_names(folder: Path) -> None:
    names = [str(folder / grid / "s" / "one") for grid in ("g", "h")]
    assert list(find_runs([folder / "g", folder / "h"])) == names


def test_nothing_gives_nothing() -> None:
    assert read_runs([]) == []


def test_what_is_no_run_is_refused_with_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    empty = tmp_path / "empty"
    write_grid_facts(
        empty, GridFacts(1, "", (SectionFacts("s", "", "matrix", {"r": "0"}),), "", "")
    )
    for paths, message in (
        ([tmp_path / "none"], "none does not exist; give folders of runs or of grids"),
        ([tmp_path / "file"], "file is a file; give"),
        ([folder], f"so it is no run; did you mean the runs in it, like {folder / 'a'}"),
        ([tmp_path], "has neither run.json nor grid.json, so it is no run$"),
        ([empty], "has no run yet"),
        ([folder / "a", folder / "b" / ".." / "a"], "is given twice, first as"),
        ([folder / "g", folder / "g" / "s" / "one"], "is given twice"),
    ):
        with pytest.raises(FmbenchError, match=message):
            find_runs(paths)
