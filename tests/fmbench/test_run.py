"""The command `python -m fmbench.run`: its table, its one-line errors, and resuming."""

import hashlib
import json
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from fmbench.run import main
from fmbench.storage.artefacts import MANIFEST
from fmbench.storage.files import read_json
from fmbench.storage.hashes import sha256_file
from fmbench.storage.row_files import read_rows
from fmbench.storage.rows import EpisodeRow
from fmbench.training.checkpoints import EMA_FILE
from tests.fmbench.small_run import SMALL, call, files_of, finish, start
from tests.reseal import reseal

LONG = (*SMALL, "--updates", "2500")
CHECKPOINT = Path("checkpoints") / "PressEither-flow-seed0"

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; copy it before changing anything in it."""
    out = tmp_path_factory.mktemp("finished") / "run"
    assert call(main, *SMALL, "--out", out, "--data", data) == 0
    return out


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


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


def test_given_numbers_that_equal_the_presets_are_listed_too(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--policy", "bc", "--nfe", "1", "2", "--updates", "2", "--no-latency")
    assert call(main, *SMALL, *words, "--out", tmp_path / "run", "--data", data) == 0
    assert "skipped --nfe 2: bc (direct) takes exactly 1 network evaluation\n" in (
        capsys.readouterr().err
    )


def test_a_finished_run_repeated_changes_nothing(
    copy: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(copy)
    assert call(main, *SMALL, "--out", copy, "--data", data) == 0
    assert "euler 2" in capsys.readouterr().out
    assert files_of(copy) == before


def test_another_configuration_in_the_same_folder_is_rejected(
    copy: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(copy)
    message = rejection(capsys, *SMALL, "--width", 24, "--out", copy, "--data", data)
    assert message == f"{copy} holds another run (width: 16 there, 24 now); give another --out"
    assert files_of(copy) == before


def damage(path: Path, how: str) -> None:
    good = path.read_bytes()
    if how == "truncated":
        path.write_bytes(good[: len(good) // 2])
    elif how == "flipped":
        path.write_bytes(good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
    else:  # foreign: another artefact, complete in itself
        manifest = json.loads((path.parent / MANIFEST).read_text())
        (path.parent / MANIFEST).write_text(json.dumps({**manifest, "kind": "a cat"}))


@pytest.mark.parametrize("how", ["truncated", "flipped", "foreign"])
def test_damaged_checkpoints_are_rejected(
    how: str, copy: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(copy / CHECKPOINT / EMA_FILE, how)
    before = files_of(copy)
    message = rejection(capsys, *SMALL, "--out", copy, "--data", data)
    assert str(copy / CHECKPOINT) in message
    assert ("'a cat', not 'checkpoint'" if how == "foreign" else "sha256 differs") in message
    assert files_of(copy) == before


def test_a_checkpoint_of_another_training_is_rejected(
    copy: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = read_json(copy / CHECKPOINT / MANIFEST)
    reseal(copy / CHECKPOINT, training={**facts["training"], "batch_size": 5})
    message = rejection(capsys, *SMALL, "--out", copy, "--data", data)
    assert "made with other settings (batch_size: 5 there, 16 now)" in message


def test_damaged_demonstrations_are_rejected_before_a_run_starts(
    demonstrations_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*SMALL, "--out", tmp_path / "run", "--data", tmp_path / "data")
    folder = tmp_path / "data" / demonstrations_folder.name
    for how, expected in (
        ("truncated", "sha256 differs"),
        ("flipped", "sha256 differs"),
        ("foreign", "'a cat', not 'demonstrations'"),
        ("older", "python -m fmbench.demonstrations --task PressEither"),
        ("empty", "was not written by fmbench; delete it"),
    ):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(demonstrations_folder, folder)
        if how == "older":
            reseal(folder, task="fmbench/PressEither-v7", task_hash="0" * 64)
        elif how == "empty":
            shutil.rmtree(folder)
            folder.mkdir()
        else:
            file = folder / "data" / "main_data.hdf5"
            damage(folder / MANIFEST if how == "foreign" else file, how)
        message = rejection(capsys, *words)
        assert str(folder) in message, how
        assert expected in message, how
        assert not (tmp_path / "run").exists()


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


@pytest.mark.slow
def test_ctrl_c_saves_and_the_same_command_gives_the_same_bytes(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*LONG, "--out", "parts", "--data", data)
    process = start(tmp_path, "-m", "fmbench.run", *words)
    deadline = time.monotonic() + 60
    while not (tmp_path / "parts" / CHECKPOINT / MANIFEST).exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, out) == (130, "")
    message = "interrupted; finished work is saved in parts; the same command resumes"
    assert err.splitlines()[-1] == message
    assert "Traceback" not in err
    facts = read_json(tmp_path / "parts" / CHECKPOINT / MANIFEST)
    assert 1000 <= facts["update"] < 2500
    monkeypatch.chdir(tmp_path)
    assert call(main, *words) == 0
    assert "Resuming parts" in capsys.readouterr().err
    assert call(main, *LONG, "--out", "whole", "--data", data) == 0
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    assert sha256_file(parts / CHECKPOINT / EMA_FILE) == sha256_file(whole / CHECKPOINT / EMA_FILE)
    for name in ("episodes.csv", "cells.csv", "training.csv"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()


def test_poor_terminals_from_another_directory_show_the_table(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(finished, tmp_path / "caf\u00e9")
    environment = {"PYTHONIOENCODING": "ascii", "LANG": "C", "COLUMNS": "20", "TERM": "dumb"}
    words = ("-m", "fmbench.run", *SMALL, "--out", out.name, "--data", data)
    code, stdout, stderr = finish(start(tmp_path, *words, **environment))
    assert code == 0, stderr
    assert (stdout + stderr).isascii()
    assert "\x1b" not in stdout + stderr
    assert "euler 2" in stdout
    assert stdout.endswith("Rows, tables and figures: caf\\xe9/\n")
    digest = hashlib.sha256((out / "episodes.csv").read_bytes()).hexdigest()
    assert digest == sha256_file(finished / "episodes.csv")
