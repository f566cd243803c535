"""The command `python -m fmbench.tune`: its flags, what it prints, what it writes."""

from pathlib import Path

import pytest

from fmbench import tune
from fmbench.report.tuning.text import best_command
from fmbench.storage.row_files import read_rows
from fmbench.storage.search import TrialRow, read_search_facts
from tests.fmbench.small_run import call, finish, start

optuna = pytest.importorskip("optuna")
pytestmark = pytest.mark.usefixtures("torch_threads")

WORDS = (
    *("--preset", "smoke", "--task", "PressEither", "--policy", "flow", "bc", "--trials", "2"),
    *("--episodes", "2", "--demos", "4", "--updates", "6", "--nfe", "2", "--out", "search"),
)
WITHOUT_EXTRA = """
import runpy, sys
sys.modules["optuna"] = None
sys.argv[:] = ["tune", *{words!r}]
runpy.run_module("fmbench.tune", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--trials", "0"), "--trials is 0; give a whole number from 1 to 10000"),
        (("--seed", "-1"), "--seed is -1; give a whole number from 0 to"),
        (("--parallel", "many"), "--parallel is 'many'; give a whole number"),
        (("--backbone", "dti"), "unknown backbone 'dti'; did you mean dit"),
        (("--learning-rate", "1"), "unknown flag '--learning-rate'; "),
        (("--policy", "flow", "reflow"), "--policy is flow reflow, but reflow learns from a trai"),
        (("--policy", "knn"), "--policy is knn, but knn trains no network; a search takes flow,"),
        (("--device", "tpu"), "--device is 'tpu'; known: cpu, cuda, cuda:N"),
        (("--out", "taken"), "taken is not empty and holds no search; give another --out"),
        (("--out", "taken/file"), "--out is taken/file; give a folder (taken/file is a file)"),
    ],
)
def test_bad_input_is_one_line(
    words: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken").mkdir()
    Path("taken", "file").touch()
    assert call(tune.main, *WORDS, *words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.removeprefix("error: ").startswith(message)
    assert not Path("search").exists()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code, out, err = finish(start(tmp_path, "-c", WITHOUT_EXTRA.format(words=WORDS)))
    assert (code, out) == (2, "")
    assert err == (
        "error: python -m fmbench.tune needs the package optuna; install it with: "
        "python -m pip install -c constraints.txt -e '.[tune]'\n"
    )
    assert not any(tmp_path.iterdir())


def test_the_command_prints_the_best_trials(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(tune.main, *WORDS, "--data", data) == 0
    shown, progress = capsys.readouterr()
    assert "trial  success" in shown
    rows, facts = read_rows(Path("search/trials.csv"), TrialRow), read_search_facts(Path("search"))
    line = best_command(rows, facts)
    assert line in shown
    assert f" --data {data} " in line
    assert "best 0.000 (trial 0)" in progress
    assert facts.command.startswith("python -m fmbench.tune --preset smoke")
    assert sorted(p.name for p in Path("search").iterdir() if p.name[0] != ".") == [
        "search.json",
        "trials.csv",
        "trials.md",
        "trials.png",
    ]
