"""Two processes and one run folder: one works, the other says so in one line; readers just read."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fmbench import evaluate, figures, matrix
from fmbench import run as run_command
from fmbench.errors import FmbenchError
from fmbench.report import draw
from tests.fmbench.moments import forked
from tests.fmbench.read_only import read_only, run_obeying
from tests.fmbench.runs.finished_pair import HEUN, make_pair
from tests.fmbench.runs.small_experiment import CONFIG, comparable, run, without_opengl
from tests.fmbench.small_run import ROOT, SMALL, call, files_of, finish, start

STARTS = 10
LATER = r"^refused: .* is in use by |is complete|Resuming"
RUN = (*SMALL, "--no-latency", "--out", "run", "--data")
PAUSE = """
import runpy, sys
from fmbench.runs import cell_store
episodes = cell_store.CellStore.episodes
def pause(self, cell, origin, policy):
    if cell.policy == "flow" and not sys.stdin.closed:
        print("paused", flush=True)
        sys.stdin.readline()
        sys.stdin.close()
    return episodes(self, cell, origin, policy)
cell_store.CellStore.episodes = pause
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""
Begin = Callable[..., subprocess.Popen[str]]

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.usefixtures("torch_threads")]


@pytest.fixture(autouse=True, scope="module")
def short_runs() -> None:
    """Find all starts and draw figures, as the commands in processes of their own do."""


@pytest.fixture(scope="module")
def data(demonstrations_folder: Path) -> Path:
    return demonstrations_folder.parent


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pair(tmp_path_factory.mktemp("finished"), data)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start a module that pauses before it rolls out the first policy, and wait until it does."""
    started: list[subprocess.Popen[str]] = []

    def to_pause(module: str, *words: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PAUSE, module, *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "paused\n", process.communicate()[1]
        return process

    yield to_pause
    for process in started:
        process.kill()
        process.communicate()


def in_use(folder: str, process: subprocess.Popen[str], command: str) -> str:
    place = rf"process {process.pid} on {socket.gethostname()} since 20\d\d-\d\d-\d\d \d\d:\d\d"
    instead = "wait until it has ended, or give another --out"
    return rf"error: {folder} is in use by {place} \(python -m fmbench\.{command}\); {instead}\n"


def test_a_second_run_is_refused_and_harms_nothing(
    begin: Begin, data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = begin("fmbench.run", *RUN, data)
    before = files_of(tmp_path / "run")
    code, out, err = finish(start(tmp_path, "-m", "fmbench.run", *RUN, data))
    assert (code, out) == (2, "")
    assert re.fullmatch(in_use("run", first, "run"), err), err
    assert files_of(tmp_path / "run") == before
    code, _, err = finish(start(tmp_path, "-m", "fmbench.figures", "run"))
    assert (code, err) == (0, "warning: unfinished: 2 of 3 cells\n")
    out, err = first.communicate("\n", timeout=120)
    assert first.returncode == 0, err
    assert comparable(tmp_path / "run") == comparable(finished / "run")


def test_the_run_of_a_killed_process_is_taken_over(
    begin: Begin, data: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    first = begin("fmbench.run", *RUN, data)
    first.kill()
    first.wait()
    assert (tmp_path / "run" / ".lock.holder").exists()
    monkeypatch.chdir(tmp_path)
    assert call(run_command.main, *RUN, data) == 0
    assert capsys.readouterr().err.startswith("Resuming run\n")
    assert comparable(tmp_path / "run") == comparable(finished / "run")
    assert not (tmp_path / "run" / ".lock.holder").exists()


def test_a_second_evaluation_into_one_folder_is_refused_and_taken_over(
    begin: Begin, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shutil.copytree(finished / "run", tmp_path / "run")
    words = ("run", *HEUN, "--out", "heun")
    first = begin("fmbench.evaluate", *words)
    before = files_of(tmp_path)
    code, out, err = finish(start(tmp_path, "-m", "fmbench.evaluate", *words))
    assert (code, out) == (2, "")
    assert re.fullmatch(in_use("heun", first, "evaluate"), err), err
    assert files_of(tmp_path) == before
    first.kill()
    first.wait()
    monkeypatch.chdir(tmp_path)
    assert call(evaluate.main, *words) == 0
    assert "Resuming heun\n" in capsys.readouterr().err
    for name in ("episodes.csv", "cells.csv", "training.csv"):  # the others have latencies
        assert (tmp_path / "heun" / name).read_bytes() == (finished / "heun" / name).read_bytes()


def test_figures_of_a_read_only_run_are_one_line(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "run", tmp_path / "run")
    with read_only(tmp_path / "run"):
        done = run_obeying(tmp_path, "-m", "fmbench.figures", "run")
        table = run_obeying(tmp_path, "-m", "fmbench.matrix", "run", "--out", "matrix")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: run/summary.csv cannot be written: Permission denied; give a folder that can be\n"
    )
    assert table.returncode == 0, table.stderr
    assert comparable(tmp_path / "run") == comparable(finished / "run")


def test_two_starts_at_once_are_one_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_opengl(monkeypatch)
    monkeypatch.setattr(draw, "render", lambda _, results, __: results.episodes.to_csv().encode())
    config = replace(CONFIG, policy=("bc",))
    run(config, tmp_path / "whole", data)
    said = []
    for number in range(STARTS):
        out = tmp_path / f"run{number}"
        begin = time.monotonic() + 0.2

        def work(name: str, out: Path = out, begin: float = begin) -> None:
            time.sleep(max(0.0, begin - time.monotonic()))
            try:
                lines = run(config, out, data)
            except FmbenchError as error:
                lines = f"refused: {error}"
            (tmp_path / name).write_text(lines)

        children = []
        for name in ("one", "two"):
            child = os.fork()
            if not child:
                os._exit(forked(lambda name=name: work(name)))  # type: ignore[misc]
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
        texts = [(tmp_path / name).read_text() for name in ("one", "two")]
        later = [text for text in texts if re.search(LATER, text)]
        assert len(later) == 1, texts
        assert comparable(out) == comparable(tmp_path / "whole")
        said += later
    assert all("holds no run" not in text for text in said)
    assert any(text.startswith("refused: ") for text in said)


def test_a_run_that_is_being_written_is_drawn_without_a_traceback(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*SMALL, "--no-latency", "--out", tmp_path / "run", "--data", data)
    process = start(tmp_path, "-m", "fmbench.run", *words)
    codes = []
    while process.poll() is None:
        for main, extra in ((figures.main, ()), (matrix.main, ("--out", tmp_path / "matrix"))):
            capsys.readouterr()
            codes.append(call(main, tmp_path / "run", *extra))
            captured = capsys.readouterr()
            assert "Traceback" not in captured.err
            assert (codes[-1], captured.err[:7]) in {(0, ""), (0, "warning"), (2, "error: ")}
    assert finish(process)[0] == 0
    assert 0 in codes
    assert comparable(tmp_path / "run") == comparable(finished / "run")
