"""The command `python -m fmbench.paper`: flags, its worker, a whole grid in processes."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from envs.registry import EXTRA_MODULES
from fmbench import paper
from fmbench.runs.grid.processes import WORKER
from tests.fmbench.runs.grid.small_grid import TEXT
from tests.fmbench.small_run import call

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text(TEXT.replace('"flow", "reflow", "bc"', '"knn"'))
    return tmp_path / "grid.toml"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--grid", "papr"), "unknown grid 'papr'; did you mean paper? known: laptop, paper, or g"),
        (("--grid", "none.toml"), "none.toml cannot be read: No such file or directory"),
        (("--only", "mian"), "unknown section 'mian'; did you mean main? known: main, settings"),
        (("--shard", "3/2"), "--shard is 3/2; give I/N with I from 1 to N, e.g. 2/5"),
        (("--shard", "half"), "--shard is half; give I/N"),
        (("--processes", "0"), "--processes is 0; give a whole number from 1 to 256"),
        (("--devices", "tpu"), "--devices is 'tpu'; give cpu, cuda, cuda:N or cuda:FIRST-LAST"),
        (("--test-block", "3"), "--test-block is 3; give 2, the block for a release"),
        (("--test-block", "2", "--engine", "ray"), "--test-block needs --engine processes"),
        (("--engine", "rya"), "unknown engine 'rya'; did you mean ray"),
        (("--address", "auto"), "--address is auto, which needs --engine ray"),
        (("--check", "0"), "--check is 0; give a whole number from 1 to 10000"),
        (("--check", "3", "--out", "none"), "none holds no grid to check; give its"),
        (("--merge", "none", "--out", "new"), "--merge is none, which holds no grid"),
    ],
)
def test_bad_input_is_one_line(
    words: tuple[str, ...],
    message: str,
    grid: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(paper.main, "--grid", grid, *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_section_that_is_left_out_is_named_and_the_others_are_listed(
    grid: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find_spec = importlib.util.find_spec
    missing = EXTRA_MODULES["adroit"]
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == missing else find_spec(name)
    )
    grid.write_text(grid.read_text() + '[sections.door]\ntask = "AdroitDoor"\noptional = true\n')
    assert call(paper.main, "--grid", grid, "--dry-run") == 0
    out, err = capsys.readouterr()
    assert "Section door is left out: AdroitDoor needs the extra 'adroit', which is not" in err
    assert "PressEither-knn" in out + err
    assert "AdroitDoor-" not in out + err
    for words, message in (
        (("--shard", "1/2"), "--shard is given, but section door would be left out: AdroitDoor"),
        (("--merge", "other"), "alike on every machine: --only main settings"),
        (("--check", "1"), "--check is given, but section door would be left out"),
    ):
        assert call(paper.main, "--grid", grid, *words) == 2
        assert message in capsys.readouterr().err
    assert call(paper.main, "--grid", grid, "--only", "main", "--shard", "1/2", "--dry-run") == 0
    capsys.readouterr()
    text = grid.read_text()
    first, own = text.index("[sections.main]"), text.index("[sections.door]")
    grid.write_text(text[:first] + text[own:])
    assert call(paper.main, "--grid", grid, "--dry-run") == 2
    assert "every section would be left out; door: AdroitDoor" in capsys.readouterr().err


def test_a_run_that_cannot_be_is_named_before_any_work(
    grid: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid.write_text(TEXT.replace("updates = [6, 8]", 'prediction = ["sample", "epsilon"]'))
    assert call(paper.main, "--grid", grid, "--out", "out") == 2
    err = capsys.readouterr().err
    assert "error: section settings, run PressEither-epsilon: --prediction is 'epsilon'" in err
    assert not Path("out").exists()


@pytest.mark.thorough
def test_processes_do_a_grid_and_the_same_command_finds_it_done(
    grid: Path, demonstrations_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--grid", grid, "--only", "main", "--out", "out", "--processes", "1")
    words = (*words, "--data", demonstrations_folder.parent)
    assert call(paper.main, *words, "--dry-run") == 0
    assert "2 jobs with 3 cells, 2 to do: about" in capsys.readouterr().out
    assert not Path("out").exists()
    assert call(paper.main, *words) == 0
    out, err = capsys.readouterr()
    assert "main       All policies   1 of 1   main/headline.md" in out
    assert "0 of 2 jobs are done" in err
    assert json.loads(Path("out/main/PressEither/run.json").read_text())["config"]["policy"] == [
        "knn"
    ]
    assert list(Path("out/main/PressEither/recordings").glob("PressEither-knn-*.npz"))
    assert "recordings of policies" in err
    assert call(paper.main, *words) == 0
    err = capsys.readouterr().err
    assert "2 of 2 jobs are done" in err
    assert "recordings of policies" not in err


def test_a_worker_reports_what_went_wrong_and_ends_with_its_input(tmp_path: Path) -> None:
    worker = subprocess.Popen(
        [*WORKER, "--plugin", str(tmp_path / "none.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    out, _ = worker.communicate("", timeout=60)
    assert worker.returncode == 2
    assert "none.py" in json.loads(out)["text"]
