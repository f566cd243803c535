"""Runs with `--perturb`: their rows are those of `fmbench.evaluate --perturb`; grown, resumed."""

import shutil
from pathlib import Path

import pytest

from fmbench.cli.disturbances import axes_help
from fmbench.evaluate import main as evaluate_main
from fmbench.report.disturbances.draw import draw_disturbances
from fmbench.report.results import read_results
from fmbench.run import main
from fmbench.runs import cell_store
from fmbench.storage.episode_files import Episodes, read_episodes
from fmbench.storage.run_facts import read_run_facts
from tests.fmbench.small_run import LASTING, call

SETTINGS = ("mass=2", "obs-noise=0.1")
TABLES = ("disturbances.csv", "disturbances.md", "disturbance_pairs.csv")
RUN = (*LASTING, "--policy", "bc", "knn", "--updates", "100", "--no-latency")

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def plain(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run without disturbances; copy it before changing anything in it."""
    out = tmp_path_factory.mktemp("plain") / "run"
    assert call(main, *RUN, "--out", out, "--data", data) == 0
    return out


@pytest.fixture(scope="module")
def grown(plain: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, grown by disturbances; copy it before changing anything in it."""
    out = Path(shutil.copytree(plain, tmp_path_factory.mktemp("grown") / "run"))
    assert call(main, *RUN, "--perturb", *SETTINGS, "--out", out, "--data", data) == 0
    return out


def rows_of(folder: Path) -> dict[str, bytes]:
    names = ("episodes.csv", "cells.csv", *TABLES)
    return {name: (folder / name).read_bytes() for name in names}


def lines_of(folder: Path, name: str) -> set[bytes]:
    """Return the lines of a file of rows that are of a disturbance."""
    lines = (folder / name).read_bytes().splitlines()
    return {line for line in lines if any(text.encode() in line for text in SETTINGS)}


def test_disturbed_rows_are_byte_for_byte_those_of_an_evaluation(
    plain: Path, grown: Path, tmp_path: Path
) -> None:
    out = tmp_path / "evaluated"
    assert call(evaluate_main, plain, "--perturb", *SETTINGS, "--out", out) == 0
    for name in ("episodes.csv", "cells.csv"):
        assert lines_of(grown, name) == lines_of(out, name)
    assert len(lines_of(grown, "cells.csv")) == 2 * len(SETTINGS) + 1
    assert len(lines_of(grown, "episodes.csv")) == 5 * 5
    for name in TABLES:
        assert (grown / name).read_bytes() == (out / name).read_bytes()
    again = tmp_path / "copied"  # nothing is left to evaluate
    assert call(evaluate_main, grown, "--perturb", *SETTINGS, "--out", again) == 0
    assert rows_of(again) == rows_of(out)
    assert read_run_facts(again).planned_cells is None
    assert not list(again.glob("cells/*.csv"))


def test_a_run_grows_without_training_and_its_other_tables_stay(plain: Path, grown: Path) -> None:
    before, after = read_episodes(plain).rows, read_episodes(grown).rows
    assert [row for row in after if row.is_plain] == before
    for name in ("summary.csv", "summary.md"):
        assert (grown / name).read_bytes() == (plain / name).read_bytes()
    assert (grown / "figures" / "disturbances.png").is_file()
    assert not any((plain / name).exists() for name in TABLES)
    for path in (plain / "checkpoints").rglob("*.safetensors"):
        there = grown / path.relative_to(plain)
        assert there.stat().st_mtime_ns == path.stat().st_mtime_ns
    assert read_run_facts(grown).planned_cells == len(read_episodes(grown).origins) == 4 + 5
    assert [setting.perturb for setting in read_results(grown).settings] == list(SETTINGS)


@pytest.mark.thorough
def test_a_stopped_growth_resumes_to_the_same_bytes(
    plain: Path, grown: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(plain, tmp_path / "run"))
    words = (*RUN, "--perturb", *SETTINGS, "--out", out, "--data", data)
    real, calls = cell_store.evaluate, []

    def stop_at_the_third(*arguments: object) -> Episodes:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(cell_store, "evaluate", stop_at_the_third)
    assert call(main, *words) != 0
    assert len(calls) == 3
    monkeypatch.undo()
    assert call(main, *words) == 0
    assert rows_of(out) == rows_of(grown)


def test_tables_of_an_earlier_state_are_removed(plain: Path, tmp_path: Path) -> None:
    for name in TABLES:
        (tmp_path / name).touch()
    assert draw_disturbances(read_results(plain), tmp_path) == ([], [])
    assert not any(tmp_path.iterdir())


@pytest.mark.thorough
def test_a_run_that_starts_with_disturbances_is_the_grown_one(
    grown: Path, data: Path, tmp_path: Path
) -> None:
    words = (*RUN, "--perturb", *SETTINGS, "--out", tmp_path / "run", "--data", data)
    assert call(main, *words) == 0
    assert rows_of(tmp_path / "run") == rows_of(grown)


@pytest.mark.thorough
def test_disturbances_have_no_delay(plain: Path, grown: Path, data: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(plain, tmp_path / "run"))
    words = ("--perturb", *SETTINGS, "--delay", "0", "2", "--execution", "hold", "ensemble")
    assert call(main, *RUN, *words, "--out", out, "--data", data) == 0
    assert lines_of(out, "episodes.csv") == lines_of(grown, "episodes.csv")
    assert (out / "disturbances.csv").read_bytes() == (grown / "disturbances.csv").read_bytes()


REJECTED = [
    (("mas=2",), "unknown axis 'mas'; did you mean mass?"),
    (("mass=20",), "--perturb is 'mass=20'; mass takes a number from 0.1 to 10 other than 1"),
    (("mass=2", "mass=2.0"), "--perturb has 'mass=2' and 'mass=2.0', which are the same"),
    (("push=0.3",), "--perturb push=0.3: PressEither lacks this axis, because it has no free obj"),
    (
        ("obs-noise=0.1", "--policy", "bc", "--observation", "pixels"),
        "--perturb obs-noise=0.1 changes observed numbers, but the policies see pictures; axes",
    ),
    ((), "--perturb is empty; give one or more values"),
]


@pytest.mark.parametrize(("words", "message"), REJECTED)
def test_bad_input_is_one_line_before_any_work(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    folders = ("--out", tmp_path / "run", "--data", tmp_path / "data")
    assert call(main, *RUN, "--perturb", *words, *folders) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err
    assert not any(tmp_path.iterdir())


@pytest.mark.thorough
def test_a_task_that_lacks_an_axis_is_skipped_with_a_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*RUN, "--policy", "knn", "--task", "PressEither", "ReachPose", "--perturb", "mass=2")
    assert call(main, *words, "--out", tmp_path / "run", "--data", data) == 0
    assert "skipped mass=2 on ReachPose: it has no object" in capsys.readouterr().err
    rows = read_episodes(tmp_path / "run").rows
    assert {row.task for row in rows if row.perturb} == {"PressEither"}


def test_the_help_lists_the_axes(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, "--help") == 0
    assert axes_help() in capsys.readouterr().out
