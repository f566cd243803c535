"""`python -m fmbench.run` in a folder that holds a run: resumed, or rejected with what is wrong."""

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from fmbench.run import main
from fmbench.storage.artefacts import MANIFEST
from fmbench.storage.files import read_json
from fmbench.storage.hashes import sha256_file
from fmbench.training.checkpoints import EMA_FILE
from tests.fmbench.small_run import SMALL, call, files_of, finish, start
from tests.fmbench.test_run import rejection
from tests.reseal import reseal

LONG = (*SMALL, "--updates", "2500")
CHECKPOINT = Path("checkpoints") / "PressEither-flow-seed0"

pytestmark = pytest.mark.usefixtures("torch_threads")


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture
def copy(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


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


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.usefixtures("short_run")
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
