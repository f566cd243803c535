"""Ctrl-C twice while a file is written, and what processes that have ended leave behind."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench.report import draw
from fmbench.report.draw import draw_all
from fmbench.report.results import read_results
from fmbench.run import main
from fmbench.runs.run_folder import hold_run_folder
from fmbench.storage.files import read_json
from fmbench.storage.leftovers import published, staged
from tests.fmbench.runs.small_experiment import CONFIG, comparable, run, without_opengl
from tests.fmbench.small_run import SMALL, call, files_of, finish, start

SLOW = """
import os, runpy, sys, time
from fmbench.runs import trainer
trainer.CHECKPOINT_UPDATES = 2
slow, fsync = sys.argv.pop(1), os.fsync
def wait(handle):
    global slow
    if slow and slow in os.readlink(f"/proc/self/fd/{handle}"):
        slow = ""
        print("writing", flush=True)
        time.sleep(1)
    fsync(handle)
os.fsync = wait
runpy.run_module("fmbench.run", run_name="__main__", alter_sys=True)
"""
CHECKPOINT = Path("checkpoints") / "PressEither-flow-seed0"
WHOLE_AFTERWARDS = {
    "policy.safetensors": CHECKPOINT / "manifest.json",
    "flow-euler2-seed0.csv": Path("cells") / "PressEither-flow-euler2-seed0.csv",
    ".episodes.csv": Path("episodes.csv"),
}

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.usefixtures("torch_threads")]


@pytest.fixture(autouse=True, scope="module")
def short_runs() -> None:
    """Find all starts and draw figures, as the commands in processes of their own do."""


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    assert call(main, *SMALL, "--no-latency", "--out", out, "--data", data) == 0
    return out


@pytest.mark.parametrize("file", WHOLE_AFTERWARDS)
def test_ctrl_c_twice_waits_until_what_is_written_is_whole(
    file: str, data: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*SMALL, "--no-latency", "--out", "run", "--data", data)
    process = start(tmp_path, "-c", SLOW, file, *words)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n", process.communicate()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert process.poll() is None
    assert not (tmp_path / "run" / WHOLE_AFTERWARDS[file]).exists()
    code, _, err = finish(process)
    assert code == 130
    message = "interrupted; finished work is saved in run; the same command resumes"
    assert err.splitlines()[-1] == message
    assert "Traceback" not in err
    assert (tmp_path / "run" / WHOLE_AFTERWARDS[file]).exists()
    assert hidden(tmp_path / "run") == [".lock"]
    if "manifest" in str(WHOLE_AFTERWARDS[file]):
        assert read_json(tmp_path / "run" / CHECKPOINT / "manifest.json")["update"] == 2
    monkeypatch.chdir(tmp_path)
    assert call(main, *words) == 0
    assert comparable(tmp_path / "run") == comparable(whole)


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*"))


@pytest.fixture
def living() -> Iterator[int]:
    process = subprocess.Popen(["sleep", "100"])
    yield process.pid
    process.kill()
    process.wait()


@pytest.fixture
def dead() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_what_dead_processes_left_is_swept_and_that_of_living_ones_is_kept(
    living: int, dead: int, whole: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "run"))
    before = files_of(out)
    checkpoint = out / CHECKPOINT
    for pid in (living, dead):
        (out / f".summary.md.{pid}.tmp").write_text("half")
        (out / "cells" / f".a.csv.{pid}.tmp").write_text("half")
        shutil.copytree(checkpoint, checkpoint.with_name(f".{checkpoint.name}.{pid}.tmp"))
    shutil.copytree(checkpoint, checkpoint.with_name(f".{checkpoint.name}.{dead}.old"))
    (out / "cells" / ".mine.tmp").write_text("no name of ours")
    with hold_run_folder(out, "a test"):
        kept = [f".{name}.{living}.tmp" for name in (checkpoint.name, "a.csv", "summary.md")]
        assert hidden(out) == sorted([".lock", ".lock.holder", ".mine.tmp", *kept])
    (out / "cells" / ".mine.tmp").unlink()
    assert {k: v for k, v in files_of(out).items() if f".{living}.tmp" not in k} == before


def test_a_checkpoint_that_was_moved_away_is_put_back(
    dead: int, whole: Path, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(whole, tmp_path / "run"))
    checkpoint = out / CHECKPOINT
    checkpoint.rename(checkpoint.with_name(f".{checkpoint.name}.{dead}.old"))
    shutil.copytree(
        checkpoint.with_name(f".{checkpoint.name}.{dead}.old"),
        checkpoint.with_name(f".{checkpoint.name}.{dead}.tmp"),
    )
    with hold_run_folder(out, "a test"):
        pass
    assert files_of(out) == files_of(whole)


def test_the_path_that_something_staged_will_have(tmp_path: Path) -> None:
    for path in (tmp_path / "run" / "run.json", tmp_path / ".hidden", Path("relative")):
        assert re.fullmatch(rf"\.{re.escape(path.name)}\.{os.getpid()}\.tmp", staged(path).name)
        assert published(staged(path)) == path
        assert published(staged(path) / "part" / "file") == path / "part" / "file"
        assert published(path) == path


def test_a_run_that_finishes_while_it_is_drawn_is_drawn_as_finished(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_opengl(monkeypatch)
    config = replace(CONFIG, policy=("bc",))
    run(config, tmp_path / "whole", data)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "run", data, "bc training")
    render, finished = draw.render, []

    def finish_meanwhile(*arguments: object) -> bytes:
        if not finished:
            finished.append(True)
            run(config, tmp_path / "run", data)
        return render(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(draw, "render", finish_meanwhile)
    lines: list[str] = []
    draw_all(tmp_path / "run", warn=lines.append)
    assert (finished, lines) == ([True], [])
    assert read_results(tmp_path / "run").complete
    assert comparable(tmp_path / "run") == comparable(tmp_path / "whole")
