"""Commands that are stopped by a signal: one line, exit code 130, and nothing is lost."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fmbench.exit_code import ExitCode
from fmbench.storage.artefacts import MANIFEST
from fmbench.storage.files import read_json
from fmbench.storage.locks import lock_inside, read_holder
from tests.fmbench.cli.test_broken_streams import COMMANDS
from tests.fmbench.small_run import ROOT, SMALL, finish, start

pytestmark = [pytest.mark.faults, pytest.mark.slow]

CHECKPOINT = Path("run", "checkpoints", "PressEither-flow-seed0", MANIFEST)
TRAINING = Path("run", "cells", "PressEither-random.csv")
LONG = (*SMALL, "--no-latency", "--updates", "100000", "--out", "run", "--data", "data")
SAVED = "interrupted; finished work is saved in run; the same command resumes"


@pytest.fixture(autouse=True)
def closed_terminals_count() -> Iterator[None]:
    """Let the commands see SIGHUP also where `nohup` has started the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def folder(demonstrations_folder: Path, tmp_path: Path) -> Path:
    """An empty folder, except for demonstrations."""
    shutil.copytree(demonstrations_folder, tmp_path / "data" / demonstrations_folder.name)
    return tmp_path


def wait_until(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait while a process works; it must not end before."""
    deadline = time.monotonic() + 100
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)


def handles_sigterm(process: subprocess.Popen[str]) -> bool:
    """Return whether a process has begun to handle SIGTERM, which Python itself does not."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


def start_training(folder: Path, *words: object, **options: Any) -> subprocess.Popen[str]:
    """Start a long run and return it when it trains."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fmbench.run", *map(str, words or LONG)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
    )

    def trains() -> bool:
        holder = read_holder(lock_inside(folder / "run"))
        is_resumed = holder is not None and holder.pid == process.pid
        return is_resumed and (folder / TRAINING).exists()

    wait_until(trains, process)
    return process


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(
    ("delay_s", "number"), [(0.0, signal.SIGINT), (0.15, signal.SIGTERM), (0.3, signal.SIGHUP)]
)
@pytest.mark.parametrize("name", COMMANDS)
def test_in_the_first_second(
    name: str, delay_s: float, number: signal.Signals, tmp_path: Path
) -> None:
    process = start(tmp_path, "-m", name, *COMMANDS[name])
    wait_until(lambda: handles_sigterm(process), process)
    time.sleep(delay_s)
    process.send_signal(number)
    code, out, err = finish(process)
    if delay_s and code != ExitCode.INTERRUPTED:
        # A fast machine has ended by itself: it lists the commands, or finds no run here.
        assert code in (ExitCode.DONE, ExitCode.BAD_INPUT)
        return
    assert (code, err) == (ExitCode.INTERRUPTED, "interrupted\n")
    assert delay_s or not out  # a fast machine may have printed a part of the list by then


LATE = """
import os, signal

class Late:
    def __del__(self, kill=os.kill, number=signal.{name}, process=os.getpid()):
        kill(process, number)

late = Late()  # deleted when Python has stopped handling signals
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_after_the_end_the_exit_code_is_that_of_the_command(name: str, tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE.format(name=name), encoding="utf-8")
    process = start(tmp_path, "-m", "fmbench.experts", "--plugin", "late.py", "--task", "LiftCub")
    code, _, err = finish(process)
    assert (code, err.count("\n")) == (ExitCode.BAD_INPUT, 1)


def test_sigterm_twice_while_training_saves_and_the_same_command_resumes(folder: Path) -> None:
    process = start_training(folder)
    wait_until((folder / CHECKPOINT).exists, process)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)  # as `timeout` does
    code, out, err = finish(process)
    assert (code, out, err.splitlines()[-1]) == (ExitCode.INTERRUPTED, "", SAVED)
    update = read_json(folder / CHECKPOINT)["update"]
    assert update >= 1000
    again = start_training(folder)
    again.send_signal(signal.SIGHUP)
    code, _, err = finish(again)
    assert (code, err.splitlines()[0]) == (ExitCode.INTERRUPTED, "Resuming run")
    assert read_json(folder / CHECKPOINT)["update"] >= update


def test_ctrl_c_to_the_whole_process_group(folder: Path) -> None:
    process = start_training(folder, start_new_session=True)
    os.killpg(process.pid, signal.SIGINT)
    code, out, err = finish(process)
    assert (code, out, err.splitlines()[-1]) == (ExitCode.INTERRUPTED, "", SAVED)


def test_a_closed_terminal_stops_a_run_that_has_saved(folder: Path) -> None:
    import fcntl
    import pty
    import termios

    terminal, inside = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(inside, termios.TIOCSCTTY, 0)

    streams = {"stdin": inside, "stdout": inside, "stderr": inside}
    process = start_training(
        folder, *LONG, **streams, start_new_session=True, preexec_fn=take_terminal
    )
    os.close(inside)
    os.close(terminal)  # the kernel sends SIGHUP, and every write fails from now on
    assert process.wait(timeout=60) == ExitCode.INTERRUPTED
    assert (folder / CHECKPOINT).exists()


def test_nohup_lets_a_run_go_on(folder: Path) -> None:
    process = start_training(
        folder, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    process.send_signal(signal.SIGHUP)
    wait_until((folder / CHECKPOINT).exists, process)  # after 1000 updates
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == ExitCode.INTERRUPTED


def test_while_evaluating(folder: Path) -> None:
    words = (*SMALL, "--no-latency", "--data", "data", "--episodes", "600", "--nfe", "1", "--out")
    rows = folder / "run" / "cells" / "PressEither-flow-euler1-seed0.csv"
    process = start_training(folder, *words, "run")
    wait_until((folder / CHECKPOINT).exists, process)  # at the end of so few updates
    process.send_signal(signal.SIGINT)
    code, out, err = finish(process)
    assert (code, out, err.splitlines()[-1]) == (ExitCode.INTERRUPTED, "", SAVED)
    assert read_json(folder / CHECKPOINT)["update"] == 6
    assert not rows.exists()
    for name in ("run", "other"):
        assert finish(start(folder, "-m", "fmbench.run", *words, name))[0] == ExitCode.DONE
    assert rows.read_bytes().count(b"\n") == 601
    assert rows.read_bytes() == (folder / "other" / rows.relative_to(folder / "run")).read_bytes()


def test_while_drawing(folder: Path) -> None:
    words = (*SMALL, "--no-latency", "--out", "run", "--data", "data")
    process = start_training(folder, *words)
    facts = folder / "run" / "run.json"
    wait_until(lambda: read_json(facts)["complete"], process)
    process.send_signal(signal.SIGTERM)
    code, out, err = finish(process)
    assert (code, out, err.splitlines()[-1]) == (ExitCode.INTERRUPTED, "", SAVED)
    assert finish(start(folder, "-m", "fmbench.run", *words))[0] == ExitCode.DONE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space")
def test_too_little_memory_is_one_line_and_keeps_the_checkpoint(folder: Path) -> None:
    words = (*LONG, "--batch-size", "300000")
    process = start_training(folder, *words)
    process.send_signal(signal.SIGTERM)
    assert finish(process)[0] == ExitCode.INTERRUPTED
    before = (folder / CHECKPOINT).read_bytes()

    def limited(*words: str) -> tuple[int, str, list[str]]:
        done = subprocess.run(
            [sys.executable, "-m", "fmbench.run", *words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9)),
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.returncode, done.stdout, done.stderr.splitlines()

    start_of_line = "error: PressEither flow training needs more memory than is free ("
    for tried in (words, (*LONG, "--width", "16384", "--out", "wide")):
        code, out, lines = limited(*tried)
        assert (code, out) == (ExitCode.FAILED, "")
        assert lines[-1].startswith(start_of_line)
        assert (
            "lower --batch-size, --training-samples, --width or --depth and give another --out"
            in lines[-1]
        )
        assert sum(line.startswith(("error", "Traceback")) for line in lines) == 1
    assert (folder / CHECKPOINT).read_bytes() == before
