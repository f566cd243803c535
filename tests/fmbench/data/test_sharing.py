"""A data folder that several processes use at once, or that may only be read."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fmbench import demonstrations as command
from fmbench.data.store import DemonstrationConfig, dataset_folder
from fmbench.storage.locks import lock_beside, locked, read_holder
from tests.fmbench.read_only import read_only, run_obeying, state_of
from tests.fmbench.small_run import SMALL, call, files_of, finish, start

REQUEST = ("-m", "fmbench.demonstrations", "--task", "PressEither", "--episodes")
WRITES = """
import sys
try:
    open(sys.argv[1] + "/probe", "x")
except PermissionError:
    sys.exit(0)
"""


@pytest.fixture
def data(demonstrations_folder: Path, tmp_path: Path) -> Path:
    """Return a folder with the demonstrations of the smallest run."""
    root = tmp_path / "data"
    shutil.copytree(demonstrations_folder, root / demonstrations_folder.name)
    return root


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline().rstrip()


def test_demonstrations_that_are_found_are_only_read(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state_of(data)
    words = ("--task", "PressEither", "--episodes", 4, "--data", data)
    assert call(command.main, *words) == 0
    assert "found in" in capsys.readouterr().err
    assert state_of(data) == before


@pytest.mark.faults
@pytest.mark.slow
def test_a_read_only_folder_that_holds_all_is_used(data: Path, tmp_path: Path) -> None:
    before = files_of(data)
    with read_only(data):
        assert run_obeying(tmp_path, "-c", WRITES, data).returncode == 0, "it can be written"
        state = state_of(data)
        found = run_obeying(tmp_path, *REQUEST, 4, "--data", data)
        assert (found.returncode, "found in" in found.stderr) == (0, True), found.stderr
        words = ("-m", "fmbench.run", *SMALL, "--policy", "bc", "--no-latency", "--out", "run")
        done = run_obeying(tmp_path, *words, "--data", data)
        assert done.returncode == 0, done.stderr
        assert state_of(data) == state
    assert files_of(data) == before


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        (*REQUEST, 3),
        ("-m", "fmbench.run", *SMALL, "--policy", "bc", "--demos", 3, "--out", "run"),
    ],
)
def test_a_read_only_folder_that_lacks_some_is_one_line(
    words: tuple[object, ...], data: Path, tmp_path: Path
) -> None:
    with read_only(data):
        done = run_obeying(tmp_path, *words, "--data", data)
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        f"error: --data is {data}; give a folder that can be written ({data}: Permission denied)\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.faults
@pytest.mark.slow
def test_two_that_need_the_same_at_once_make_them_once(tmp_path: Path) -> None:
    both = [start(tmp_path, *REQUEST, 40) for _ in range(2)]
    ended = [finish(process) for process in both]
    assert [code for code, _, _ in ended] == [0, 0]
    assert ended[0][1] == ended[1][1]
    kept, found = sorted((err for _, _, err in ended), key=lambda text: "40 kept" not in text)
    assert "40 kept" in kept
    assert "40 kept" not in found
    assert "found in" in found
    folder = tmp_path / ended[0][1].strip()
    assert sorted(path.name for path in folder.parent.iterdir()) == sorted(
        [folder.name, f".{folder.name}.lock"]
    )


@pytest.mark.faults
@pytest.mark.slow
def test_the_second_waits_for_the_first_and_makes_them_if_it_is_killed(tmp_path: Path) -> None:
    folder = dataset_folder(DemonstrationConfig("PressEither", 40), tmp_path)
    words = (*REQUEST, 40, "--data", tmp_path)
    first = start(tmp_path, *words)
    while first.poll() is None and read_holder(lock_beside(folder)) is None:
        time.sleep(0.01)
    first.send_signal(signal.SIGSTOP)  # so that it does not finish before the second begins
    second = start(tmp_path, *words)
    message = f"{folder} is in use by process {first.pid} on "
    assert line_of(second).startswith(message)
    first.kill()
    finish(first)
    code, out, err = finish(second)
    assert (code, out) == (0, f"{folder}\n")
    assert "40 kept" in err


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_the_wait(number: signal.Signals, tmp_path: Path) -> None:
    folder = dataset_folder(DemonstrationConfig("PressEither", 4), tmp_path)
    with locked(lock_beside(folder), str(folder), "making demonstrations"):
        process = start(tmp_path, *REQUEST, 4, "--data", tmp_path)
        assert line_of(process).endswith("(making demonstrations); waiting until it has ended")
        process.send_signal(number)
        assert finish(process) == (130, "", "interrupted\n")
    assert not folder.exists()
