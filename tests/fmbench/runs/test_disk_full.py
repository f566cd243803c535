"""A disk that really fills up at any write: one line, nothing half-written, and the run resumes."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench import data_curve, evaluate, figures, matrix, observations
from fmbench.errors import RunFailed
from fmbench.run import main
from tests.fmbench.moments import fill, fill_at, forked, record
from tests.fmbench.runs.small_experiment import CONFIG, comparable, quickly, run
from tests.fmbench.small_disk import run_where_mounting_is_allowed, small_disk
from tests.fmbench.small_run import call, finish, start

TINY = replace(CONFIG, episodes=2, demos=2, width=8, batch_size=4)
PARTS = range(4)
PAGE = 4096
FULL = (
    r"(?P<path>\S+) could not be written: No space left on device; (?P<more>\d+) KiB more needed "
    r"\((?P<size>\d+) KiB in all, \d+ KiB free\); free some space, the same command resumes"
)

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.usefixtures("torch_threads")]


@pytest.fixture(autouse=True, scope="module")
def short_runs() -> None:
    """Find all starts and draw figures, as the commands in processes of their own do."""


@pytest.fixture
def quick() -> Iterator[None]:
    with quickly():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Return the folder of an uninterrupted run, and its changes of files."""
    root = tmp_path_factory.mktemp("whole") / "root"
    root.mkdir()
    lines = root.with_name("changes")

    def work() -> None:
        record(lines, root)
        run(TINY, root / "run", root / "data")

    with quickly():
        run(TINY, root.with_name("warm") / "run", root.with_name("warm") / "data")
        assert forked(work) == 0
    return root, lines.read_text().splitlines()


def test_every_file_that_the_commands_write_is_staged(
    whole: tuple[Path, list[str]], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(whole[0], tmp_path / "root"))

    def work() -> None:
        record(tmp_path / "changes", root)
        words = ("--sampler", "heun", "--nfe", "2", "--out", root / "heun")
        assert call(evaluate.main, root / "run", *words) == 0
        assert call(figures.main, root / "run", "--compress", "--format", "png", "svg") == 0
        assert call(matrix.main, root / "run", "--out", root / "matrix") == 0
        assert call(data_curve.main, root / "run", "--out", root / "curve") == 0
        assert call(observations.main, root / "run", "--out", root / "observations") == 0

    assert forked(work) == 0
    changes = whole[1] + (tmp_path / "changes").read_text().splitlines()
    assert len(changes) > 200
    for change in changes:
        kind, *paths = change.split()
        if kind == "open":
            assert ".PID.tmp" in change or change.endswith(".lock")
        elif kind == "rename":
            assert re.sub(r"\.([^/]+)\.PID\.tmp", r"\1", paths[0]) == paths[1]


def leftovers(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob(".*") if not path.name.endswith(".lock")}


@contextmanager
def emptied(disk: Path) -> Iterator[None]:
    """Remove what is on a disk afterwards."""
    yield
    for path in sorted(disk.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("part", PARTS)
def test_a_disk_that_fills_up_at_any_write(
    part: int, whole: tuple[Path, list[str]], tmp_path: Path
) -> None:
    expected, changes = whole
    # Each path once, when it is written for the last time: what was there before is kept.
    last = {x: k for k, x in enumerate(changes) if x.startswith("open") and ".lock" not in x}
    writes = list(last.values())
    assert len(writes) >= 5 * len(PARTS)
    with small_disk(tmp_path / "disk") as disk:
        for moment in writes[part :: len(PARTS)]:
            with emptied(disk):

                def work(moment: int = moment) -> None:
                    # Large files are cut in two, the others have no space at all.
                    is_large = re.search(r"main_data|optimizer", changes[moment])
                    fill_at(moment, disk, PAGE if is_large else 0)
                    with pytest.raises(RunFailed) as caught:
                        run(TINY, disk / "run", disk / "data")
                    found = re.fullmatch(FULL, str(caught.value))
                    assert found
                    assert found["path"].startswith(str(disk))
                    assert "/." not in found["path"]
                    assert int(found["more"]) <= int(found["size"]) + 1

                assert forked(work) == 0, changes[moment]
                assert not leftovers(disk), changes[moment]
                (disk / "filler").unlink()
                run(TINY, disk / "run", disk / "data")
                assert comparable(disk / "run") == comparable(expected / "run"), changes[moment]
                assert comparable(disk / "data") == comparable(expected / "data")


COMMAND = """
import os, runpy, sys
from pathlib import Path
from fmbench.runs import trainer
from tests.fmbench.moments import fill, watch
trainer.CHECKPOINT_UPDATES = 2
root = Path(sys.argv.pop(1))
words = sys.argv.pop(1)
def act(change):
    if change.startswith("open") and words in change:
        fill(root)
watch(root, act)
runpy.run_module("fmbench.run", run_name="__main__", alter_sys=True)
"""
WORDS = (
    *("--preset", "smoke", "--task", "PressEither", "--policy", "flow", "--nfe", "2"),
    *("--width", "8", "--depth", "1", "--episodes", "2", "--demos", "2", "--updates", "6"),
    *("--batch-size", "4", "--no-latency", "--out", "run", "--data", "data"),
)
WRITTEN = {
    "main_data.hdf5": "data/PressEither-v2-2-[0-9a-f]{12}/data/main_data.hdf5",
    "seed0.PID.tmp/optimizer": "run/checkpoints/PressEither-flow-seed0/optimizer.safetensors",
    ".episodes.csv": "run/episodes.csv",
    ".run.json": "run/run.json",
    ".success_rates.png": "run/figures/success_rates.png",
}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the run of the command."""
    root = tmp_path_factory.mktemp("reference")
    code, _, err = finish(start(root, "-m", "fmbench.run", *WORDS))
    assert code == 0, err
    return root


@pytest.mark.parametrize("part", WRITTEN)
def test_the_command_on_a_disk_that_fills_up(
    part: str,
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        code, out, err = finish(start(disk, "-c", COMMAND, disk, part, *WORDS))
        assert (code, out) == (1, ""), err
        line = err.splitlines()[-1]
        found = re.fullmatch(f"error: {FULL}", line)
        assert found, err
        assert re.fullmatch(f"(.*/)?{WRITTEN[part]}", found["path"]), line
        assert "Traceback" not in err
        assert not leftovers(disk)
        # The disk is still full: the same command says so again.
        monkeypatch.chdir(disk)
        assert call(main, *WORDS) == 1
        assert re.search(FULL, capsys.readouterr().err)
        assert not leftovers(disk)
        (disk / "filler").unlink()
        assert call(main, *WORDS) == 0
        assert comparable(disk / "run") == comparable(reference / "run")


def test_a_disk_that_is_full_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        monkeypatch.chdir(disk)
        fill(disk)
        assert call(main, *WORDS) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert re.search(FULL, captured.err)


def test_all_of_this_in_a_user_namespace() -> None:
    run_where_mounting_is_allowed(__file__)
