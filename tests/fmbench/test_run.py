"""The command `python -m fmbench.run`: its table and its one-line errors."""

import hashlib
import shutil
from pathlib import Path

import pytest
import torch

from fmbench.run import main
from fmbench.storage.files import read_json
from fmbench.storage.hashes import sha256_file
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from tests.fmbench.small_run import SMALL, call, finish, start

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


def rejection(capsys: pytest.CaptureFixture[str], *words: object, code: int = 2) -> str:
    """Run a command that must fail with `code`; return the message of its only error line."""
    capsys.readouterr()
    assert call(main, *words) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    (line,) = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert captured.err.endswith(f"{line}\n")
    return line.removeprefix("error: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "PressEihter"), "unknown task 'PressEihter'; did you mean PressEither or"),
        (("--policy", "flow", "diffuse"), "unknown policy 'diffuse'; did you mean diffusion?"),
        (("--preset", "quick"), "unknown preset 'quick'; known: default, paper, smoke"),
        (("--backbone", "dti"), "unknown backbone 'dti'; did you mean dit? known: dit, mlp, unet"),
        (("--seeds", "0"), "--seeds is 0; give a whole number from 1"),
        (("--episodes", "-5"), "--episodes is -5; give"),
        (("--nfe", "1", "0"), "--nfe is 0; give"),
        (
            ("--exec-horizon", "9", "--pred-horizon", "8"),
            "--exec-horizon is 9; give at most --pred-horizon, 8",
        ),
        (
            ("--prediction", "noise"),
            "--prediction is 'noise', which is not available for flow; known: flow:",
        ),
        (
            ("--policy", "imle", "drift", "--training-samples", "1"),
            "--training-samples is 1; drift needs at least 2: a single sample has no other that",
        ),
        (
            ("--training-samples", "4"),
            "--training-samples is 4, which has no effect on flow; it applies to drift, imle",
        ),
        (("--training-samples", "0"), "--training-samples is 0; give a whole number from 1 to"),
        (("--meanflow", "improved"), "--meanflow is 'improved', which has no effect on flow; it"),
        (("--budget", "row"), "unknown budget 'row'; did you mean rows? known: rows, updates"),
        (
            ("--policy", "bc", "--from", "x"),
            "--from is 'x', which has no effect on bc; it applies to reflow, consistency",
        ),
        (("--policy", "reflow", "--from", "x"), "x does not exist; give the folder of a finished"),
        (("--nfe", "2", "2"), "--nfe is 2 2; give each number once"),
        (("--device", "cuda"), "--device is 'cuda'; give cpu (this machine or this build of torch"),
        (
            ("--out", "/proc/fmbench-run"),
            "--out is /proc/fmbench-run; give a folder that can be written",
        ),
        (("--out", "runs/../../escape"), "--out is runs/../../escape; give a path without '..'"),
        (("--data", "a/../../b"), "--data is a/../../b; give a path without '..'"),
        (("--data", __file__), f"--data is {__file__}; give a folder ({__file__} is a file)"),
        (("--out", __file__), f"--out is {__file__}; give a folder ({__file__} is a file)"),
    ],
)
def test_rejected_commands_write_no_files(
    words: tuple[str, ...],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.chdir(tmp_path)
    assert rejection(capsys, *SMALL, *words).startswith(message)
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(main, "--task", "Nothing", "--debug") == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.splitlines()[-1].startswith("error: unknown task 'Nothing'; known: ")


@pytest.mark.usefixtures("short_run")
def test_stdout_is_a_plain_table_and_a_folder(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(main, *SMALL, "--data", data) == 0
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert out.startswith("SMOKE RUN: these numbers test the software, not the policies.\n")
    for word in ("expert", "random", "flow", "euler 2"):
        assert word in out
    (folder,) = (tmp_path / "runs").iterdir()
    assert out.endswith(f"Rows, tables and figures: runs/{folder.name}/\n")
    assert folder.name.startswith("PressEither-flow-smoke-")
    words = read_json(folder / "run.json")["command"].split()
    assert words[:5] == ["python", "-m", "fmbench.run", "--preset", "smoke"]


@pytest.mark.usefixtures("short_run")
def test_skipped_values_of_nfe_are_listed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--policy", "shortcut", "bc", "--nfe", "1", "3", "10", "--updates", "2")
    where = ("--no-latency", "--out", tmp_path / "run", "--data", data)
    assert call(main, *SMALL, *words, *where) == 0
    lines = [x for x in capsys.readouterr().err.splitlines() if x.startswith("skipped ")]
    assert lines == [
        "skipped --nfe 3 10: shortcut takes 1, 2, 4, 8, 16, 32 or 64 network evaluations",
        "skipped --nfe 3 10: bc (direct) takes exactly 1 network evaluation",
    ]
    rows = read_rows(tmp_path / "run" / "episodes.csv", EpisodeRow)
    assert {(row.policy, row.steps) for row in rows if row.sampler} == {("shortcut", 1), ("bc", 1)}


@pytest.mark.usefixtures("short_run")
def test_given_numbers_that_equal_the_presets_are_listed_too(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--policy", "bc", "--nfe", "1", "2", "--updates", "2", "--no-latency")
    assert call(main, *SMALL, *words, "--out", tmp_path / "run", "--data", data) == 0
    assert "skipped --nfe 2: bc (direct) takes exactly 1 network evaluation\n" in (
        capsys.readouterr().err
    )


@pytest.mark.usefixtures("short_run")
def test_a_training_that_fails_is_a_failed_run(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*SMALL, "--learning-rate", "1e35", "--out", tmp_path / "run", "--data", data)
    message = rejection(capsys, *words, code=1)
    assert message.startswith("PressEither flow seed 0: training stopped at update ")
    assert message.endswith("; try a lower learning rate; no checkpoint had been written yet")
    assert not (tmp_path / "run" / "checkpoints").exists()
    lower = (*SMALL, "--learning-rate", "1e-3", "--out", tmp_path / "lower", "--data", data)
    assert call(main, *lower) == 0


def test_a_broken_opengl_backend_is_reported(tmp_path: Path) -> None:
    for module in ("run", "demonstrations"):
        code, out, err = finish(
            start(tmp_path, "-m", f"fmbench.{module}", "--task", "PressEither", MUJOCO_GL="foo")
        )
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("error: MUJOCO_GL is 'foo', with which MuJoCo cannot be imported")
        assert "libegl1" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.thorough
def test_poor_terminals_from_another_directory_show_the_table(
    finished_run: Path, data: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(finished_run, tmp_path / "caf\u00e9")
    environment = {"PYTHONIOENCODING": "ascii", "LANG": "C", "COLUMNS": "20", "TERM": "dumb"}
    words = ("-m", "fmbench.run", *SMALL, "--out", out.name, "--data", data)
    code, stdout, stderr = finish(start(tmp_path, *words, **environment))
    assert code == 0, stderr
    assert (stdout + stderr).isascii()
    assert "\x1b" not in stdout + stderr
    assert "euler 2" in stdout
    assert stdout.endswith("Rows, tables and figures: caf\\xe9/\n")
    digest = hashlib.sha256((out / "episodes.csv").read_bytes()).hexdigest()
    assert digest == sha256_file(finished_run / "episodes.csv")
