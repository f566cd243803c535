"""A grid is begun beside its runs of policies from outside, and in no folder with anything else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fmbench.report.matrix.rows import MatrixRow
from fmbench.runs.grid.folder import hold_grid_folder
from fmbench.runs.grid.planned import Grid
from fmbench.storage.grid_folder import is_grid, read_grid_facts
from fmbench.storage.leftovers import staged
from fmbench.storage.locks import holder_file, lock_inside
from fmbench.storage.row_files import read_rows
from fmbench.storage.run_facts import RUN_FILE, read_run_facts
from tests.fmbench.runs.grid.small_grid import (
    TEXT,
    do_grid,
    in_this_process,
    rejected,
    small_grid,
    without_figures,
)
from tests.fmbench.runs.test_outside import OUTSIDE, still
from tests.fmbench.runs.test_outside import run as run_outside
from tests.fmbench.small_run import files_of

NAMES = ("PressEither-still", "PressEither-half", "PressEither-agents", "PressEither-not-yet")
FINISHED, HALF, AGENTS, _ = (f"main/{name}" for name in NAMES)
GRID = TEXT.replace('"flow", "reflow", "bc"', '"knn"').replace(
    "record = 1", f"outside = {list(NAMES)}"
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a finished run from outside and one that was stopped."""
    out = tmp_path_factory.mktemp("grid") / "out"
    run_outside(still(0.0), out / FINISHED, draws=False)
    with pytest.raises(KeyboardInterrupt):
        run_outside(still(0.0), out / HALF, stop_in=f"{OUTSIDE}-direct3-seed0 episodes")
    assert not read_run_facts(out / HALF).complete
    return out


@pytest.fixture
def out(runs: Path, tmp_path: Path) -> Path:
    """Return a copy of it, with what else these commands leave there."""
    out = tmp_path / "out"
    shutil.copytree(runs, out)
    (out / AGENTS / "checkpoints" / "PressEither-agent-seed0").mkdir(parents=True)
    (out / AGENTS / "checkpoints" / ".PressEither-agent-seed1.lock").touch()
    (out / AGENTS / "tensorboard").mkdir()
    for file in (lock_inside(out), holder_file(lock_inside(out))):
        file.touch()
    staged(out / "main" / "fmbench").touch()  # of a check whether the folder can be written
    return out


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    return small_grid(tmp_path, GRID)


def test_a_grid_is_begun_beside_its_runs_from_outside(
    runs: Path, grid: Grid, demonstrations_folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    in_this_process(monkeypatch)
    without_figures(monkeypatch)
    out = tmp_path / "out"
    shutil.copytree(runs / FINISHED, out / FINISHED)
    before = files_of(out)
    for said in ("0 of 2 jobs are done", "2 of 2 jobs are done"):
        text = do_grid(grid, out, demonstrations_folder.parent, only=("main",))
        assert said in text
        assert before.items() <= files_of(out).items()
    rows = read_rows(out / "main" / MatrixRow.file_name, MatrixRow)
    assert {"knn", OUTSIDE} <= {row.policy for row in rows}
    assert "3 of 4 runs of policies from outside are missing" in capsys.readouterr().err
    assert read_grid_facts(out).outside == [f"main/{name}" for name in NAMES]


def test_unfinished_runs_and_what_processes_left_may_be_there(out: Path, grid: Grid) -> None:
    (out / "main" / NAMES[-1]).mkdir()
    before = files_of(out / "main")
    with hold_grid_folder(out, grid):
        assert not is_grid(out)
    after = files_of(out / "main")
    assert before.items() - after.items() == {(staged(Path("fmbench")).name, b"")}
    assert after.items() <= before.items()


def _touch(path: str) -> Callable[[Path], None]:
    def touch(out: Path) -> None:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).touch()

    return touch


def _damage(out: Path) -> None:
    (out / FINISHED / RUN_FILE).write_text("{")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_touch("notes.txt"), "{out} is not empty and holds no grid; give another --out"),
        (_touch(".hidden"), "{out} is not empty and holds no grid; give another --out"),
        (_touch("settings/run/file"), "{out} is not empty and holds no grid; give another --out"),
        (_touch("jobs/job/run.json"), "{out} is not empty and holds no grid; give another --out"),
        *(
            (
                _touch(f"main/{entry}"),
                f"{{out}} holds no grid, and {{out}}/main/{entry.partition('/')[0]} is no run from "
                "outside of this one; give another --out",
            )
            for entry in (
                *("notes.txt", ".hidden", "PressEither/run.json", "PressEither-other/run.json"),
                NAMES[-1],
            )
        ),
        (
            _touch(f"main/{NAMES[-1]}/notes.txt"),
            f"{{out}}/main/{NAMES[-1]} is not empty and holds no run; give another --out",
        ),
        (_damage, f"{{out}}/{FINISHED}/run.json "),
    ],
)
def test_a_folder_with_anything_else_is_refused_and_stays_as_it_is(
    change: Callable[[Path], None], message: str, out: Path, grid: Grid
) -> None:
    change(out)
    before = files_of(out)

    def hold() -> None:
        with hold_grid_folder(out, grid):
            raise AssertionError("it is held")

    text = rejected(hold)
    assert text.startswith(message.format(out=out))
    assert "\n" not in text
    assert files_of(out) == before


def test_runs_from_outside_of_another_grid_are_refused(
    out: Path, demonstrations_folder: Path, tmp_path: Path
) -> None:
    before = files_of(out)
    for text in (TEXT, GRID.replace("half", "other"), GRID.replace("sections.main", "sections.x")):
        grid = small_grid(tmp_path, text)
        message = rejected(lambda grid=grid: do_grid(grid, out, demonstrations_folder.parent))
        assert "holds no grid" in message
        assert files_of(out) == before
