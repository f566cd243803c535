"""The command `python -m fmbench.demonstrations`: making, verifying, one-line errors."""

import shutil
import signal
from pathlib import Path

import h5py
import pytest

from fmbench import demonstrations as command
from fmbench.data.minari_file import DATA_FILE
from fmbench.runs import demonstrating
from fmbench.storage.artefacts import MANIFEST
from fmbench.storage.files import read_json
from tests.fmbench.small_run import call, files_of
from tests.reseal import reseal

SMALL = ("--task", "PressEither", "--episodes", "4")


def test_the_folder_is_printed_and_found_again(
    demonstrations_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(command.main, *SMALL, "--data", tmp_path) == 0
    out, err = capsys.readouterr()
    folder = tmp_path / demonstrations_folder.name
    assert out == f"{folder}\n"
    assert "PressEither demonstrations: 4 kept, 0 of 4 attempts failed, 4/4 replayed" in err
    made = files_of(folder)
    assert made == files_of(demonstrations_folder)
    assert call(command.main, *SMALL, "--data", tmp_path) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (f"{folder}\n", f"PressEither demonstrations: found in {folder}\n")
    assert files_of(folder) == made


def test_several_tasks_share_one_progress_display_and_resume(
    demonstrations_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(demonstrations_folder, tmp_path / demonstrations_folder.name)
    words = ("--task", "PressEither", "ReachPose", "--episodes", "4", "--data", tmp_path)
    assert call(command.main, *words) == 0
    out, err = capsys.readouterr()
    assert [Path(line).parent for line in out.splitlines()] == [tmp_path] * 2
    assert "PressEither demonstrations: found in" in err
    assert "ReachPose demonstrations: 4 kept" in err
    assert err.count("done in") == 1


def test_the_noise_and_the_number_have_their_own_folders(tmp_path: Path) -> None:
    for words in (SMALL, (*SMALL, "--noise", "0"), (*SMALL, "--episodes", "3")):
        assert call(command.main, *words, "--data", tmp_path) == 0
    manifests = [read_json(path) for path in tmp_path.glob(f"*/{MANIFEST}")]
    assert sorted((m["episodes"], m["noise"]) for m in manifests) == [(3, 1.0), (4, 0.0), (4, 1.0)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--episodes", "0"), "--episodes is 0; give a whole number from 1 to 300000"),
        (("--episodes", "-1"), "--episodes is -1; give"),
        (("--task", "LiftCub"), "unknown task 'LiftCub'; did you mean LiftCube"),
        (("--noise", "nan"), "--noise is nan; give a number of at least 0"),
        (("--data", "/proc/x"), "--data is /proc/x; give a folder that can be written (/proc: "),
        (("--data", "../elsewhere"), "--data is ../elsewhere; give a path without '..'"),
    ],
)
def test_rejected_commands_write_no_files(
    words: tuple[str, ...],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(command.main, *SMALL, *words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"error: {message}")
    assert not list(tmp_path.iterdir())


def test_damaged_demonstrations_are_rejected(
    demonstrations_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(demonstrations_folder, tmp_path / demonstrations_folder.name)
    file = folder / "data" / "main_data.hdf5"
    file.write_bytes(file.read_bytes()[:-1])
    assert call(command.main, *SMALL, "--data", tmp_path) == 2
    assert capsys.readouterr().err == (
        f"error: {file} was changed after it was written (sha256 differs); delete {folder}\n"
    )


def test_demonstrations_without_the_schema_are_rejected(
    demonstrations_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(demonstrations_folder, tmp_path / demonstrations_folder.name))
    with h5py.File(folder / DATA_FILE, "a") as file:
        file["episode_2/observations"].resize(3, axis=0)
    reseal(folder)
    assert call(command.main, *SMALL, "--data", tmp_path) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "main_data.hdf5: /episode_2/observations has shape (3, " in err.splitlines()[-1]


def test_an_expert_that_fails_too_often_is_a_failed_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(command.main, *SMALL, "--noise", "50", "--data", tmp_path) == 1
    assert "lower --noise" in capsys.readouterr().err
    assert not list(tmp_path.glob("[!.]*"))


def test_ctrl_c_stores_nothing_and_the_same_command_starts_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = demonstrating.make_demonstrations

    def interrupted(*arguments: object) -> object:
        signal.raise_signal(signal.SIGINT)
        return make(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(demonstrating, "make_demonstrations", interrupted)
    assert call(command.main, *SMALL, "--data", tmp_path) == 130
    assert capsys.readouterr() == ("", "interrupted\n")
    assert not list(tmp_path.glob("[!.]*"))
    monkeypatch.undo()
    assert call(command.main, *SMALL, "--data", tmp_path) == 0
