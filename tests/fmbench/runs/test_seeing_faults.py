"""A full disk, Ctrl-C and kills while pictures are drawn and features extracted."""

import re
import signal
from pathlib import Path

import pytest

from fmbench.run import main
from tests.fmbench.runs.seeing_experiment import CACHES, cache_folders
from tests.fmbench.runs.small_experiment import comparable
from tests.fmbench.runs.test_disk_full import FULL, leftovers
from tests.fmbench.small_disk import run_where_mounting_is_allowed, small_disk
from tests.fmbench.small_run import call, finish, start

COMMAND = """
import os, runpy, signal, sys
from pathlib import Path
from tests.fmbench.moments import fill, watch
root, words, what = Path(sys.argv.pop(1)), sys.argv.pop(1), sys.argv.pop(1)
acts = {"fill": lambda: fill(root, 8192), "signal": lambda: os.kill(os.getpid(), int(what))}
def act(change):
    if change.startswith("open") and words in change and "array" in change:
        acts["fill" if what == "fill" else "signal"]()
watch(root, act)
runpy.run_module("fmbench.run", run_name="__main__", alter_sys=True)
"""
WORDS = (
    *("--preset", "smoke", "--task", "PressEither", "--policy", "flow", "--nfe", "2"),
    *("--width", "8", "--depth", "1", "--episodes", "2", "--demos", "4", "--updates", "4"),
    *("--batch-size", "4", "--no-latency", "--out", "run", "--data", "data"),
    *("--observation", "features", "--encoder", "random", "--image-size", "32", "--features", "4"),
)

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.usefixtures("torch_threads")]


@pytest.fixture(autouse=True, scope="module")
def short_runs() -> None:
    """Draw figures, as the commands in processes of their own do."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the run of the command."""
    root = tmp_path_factory.mktemp("reference")
    code, _, err = finish(start(root, "-m", "fmbench.run", *WORDS))
    assert code == 0, err
    return root


def finished_like(root: Path, reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the same command again, and compare everything with an undisturbed run."""
    monkeypatch.chdir(root)
    assert call(main, *WORDS) == 0
    for folder in ("run", "data"):
        assert comparable(root / folder) == comparable(reference / folder)
    assert not leftovers(root)


@pytest.mark.parametrize("kind", CACHES["features"])
def test_a_disk_that_fills_up_leaves_nothing_half_written(
    kind: str, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", "32m") as disk:
        code, out, err = finish(start(disk, "-c", COMMAND, disk, f"-{kind}-", "fill", *WORDS))
        assert (code, out) == (1, ""), err
        found = re.fullmatch(f"error: {FULL}", err.splitlines()[-1])
        assert found, err
        assert re.fullmatch(rf"(.*/)?data/PressEither-\S+-{kind}-\w+/array.npy", found["path"])
        assert "Traceback" not in err
        assert not leftovers(disk)
        assert not cache_folders(disk / "data", kind)
        (disk / "filler").unlink()
        finished_like(disk, reference, monkeypatch)


@pytest.mark.parametrize("kind", CACHES["features"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_and_a_killed_command_resume(
    number: int,
    code: int,
    kind: str,
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = (tmp_path, f"-{kind}-", int(number), *WORDS)
    got, out, err = finish(start(tmp_path, "-c", COMMAND, *words))
    assert (got, out) == (code, ""), err
    assert not cache_folders(tmp_path / "data", kind)
    if number == signal.SIGINT:
        message = "interrupted; finished work is saved in run; the same command resumes"
        assert err.splitlines()[-1] == message
        assert "Traceback" not in err
        assert not leftovers(tmp_path)
    finished_like(tmp_path, reference, monkeypatch)


def test_all_of_this_in_a_user_namespace() -> None:
    run_where_mounting_is_allowed(__file__)
