"""Locks: one process at a time, the others name it or wait, and a dead process holds nothing."""

import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from fmbench.errors import FmbenchError, RunFailed
from fmbench.storage.locks import (
    Waiting,
    holder_file,
    lock_beside,
    lock_inside,
    locked,
    read_holder,
)
from tests.fmbench.small_run import finish, start

HOLD = """
import sys, time
from pathlib import Path
from fmbench.storage.locks import locked
with locked(Path(sys.argv[1]), "the run", "fmbench.run"):
    print("held", flush=True)
    time.sleep(100)
"""
WAIT = """
import sys
from pathlib import Path
from fmbench.cli.exit_codes import run_command_line
from fmbench.cli.interrupts import Interrupts
from fmbench.storage.locks import Waiting, locked

def work():
    with Interrupts() as interrupts:
        say = lambda line: print(line, flush=True)
        with locked(Path(sys.argv[1]), "the run", "", waiting=Waiting(say, interrupts.stop_here)):
            print("held", flush=True)
    return 0

sys.exit(run_command_line(work))
"""
COUNT = """
import sys, time
from pathlib import Path
from fmbench.storage.locks import Waiting, locked
counter = Path(sys.argv[2])
for _ in range(10):
    waiting = Waiting(lambda line: None, lambda: None)
    with locked(Path(sys.argv[1]), "the counter", "", waiting=waiting):
        number = int(counter.read_text())
        time.sleep(0.01)
        counter.write_text(str(number + 1))
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Start]:
    """Start a script and return it after its first line, which is its attribute `first`."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str, *words: object, **options: object) -> subprocess.Popen[str]:
        process = start(tmp_path, "-c", script, *words, **options)  # type: ignore[arg-type]
        started.append(process)
        assert process.stdout is not None
        process.first = process.stdout.readline().rstrip()  # type: ignore[attr-defined]
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return lock_inside(tmp_path)


def first_line(process: subprocess.Popen[str]) -> str:
    return str(process.first)  # type: ignore[attr-defined]


def test_another_process_is_refused_and_names_the_holder(file: Path, begin: Start) -> None:
    holder = begin(HOLD, file)
    since = r"20\d\d-\d\d-\d\d \d\d:\d\d"
    message = (
        rf"^the run is in use by process {holder.pid} on {socket.gethostname()} since {since} "
        r"\(fmbench\.run\); wait until it has ended, or give another --out$"
    )
    began = time.monotonic()
    with (
        pytest.raises(FmbenchError, match=message) as caught,
        locked(file, "the run", "", instead="give another --out"),
    ):
        pass
    assert caught.value.exit_code == 2
    assert time.monotonic() - began < 2
    record = read_holder(file)
    assert record is not None
    assert abs(datetime.fromisoformat(record.since).astimezone() - datetime.now().astimezone()) < (
        timedelta(minutes=1)
    )


@pytest.mark.faults
@pytest.mark.slow
def test_the_lock_of_a_killed_process_is_taken_over(file: Path, begin: Start) -> None:
    holder = begin(HOLD, file)
    holder.send_signal(signal.SIGKILL)
    while read_holder(file) is not None:  # a process that nobody has waited for yet has ended too
        time.sleep(0.01)
    assert holder_file(file).exists()
    with locked(file, "the run", "me"):
        record = read_holder(file)
        assert record is not None
        assert (record.pid, record.purpose) == (os.getpid(), "me")
    assert not holder_file(file).exists()


@pytest.mark.faults
@pytest.mark.slow
def test_the_text_of_a_killed_process_is_never_shown(file: Path, begin: Start) -> None:
    dead = begin(HOLD, file)
    dead.kill()
    finish(dead)
    text = holder_file(file).read_bytes()
    holder = begin(HOLD, file)
    holder_file(file).write_bytes(text)  # as in the moment before the new holder has written
    with (
        pytest.raises(FmbenchError, match="is in use by another process; wait"),
        locked(file, "the run", ""),
    ):
        pass
    # Nor is the number of a process that was given to a later one.
    record = json.loads(text)
    holder_file(file).write_text(json.dumps({**record, "pid": holder.pid}))
    assert read_holder(file) is None


@pytest.mark.faults
@pytest.mark.slow
def test_a_waiting_process_says_once_for_whom_and_goes_on(file: Path, begin: Start) -> None:
    with locked(file, "the run", ""):
        waiting = begin(WAIT, file)
        assert first_line(waiting).startswith(f"the run is in use by process {os.getpid()} on ")
        assert first_line(waiting).endswith("; waiting until it has ended")
        time.sleep(0.5)
    assert finish(waiting) == (0, "held\n", "")


@pytest.mark.faults
@pytest.mark.slow
def test_a_waiting_process_goes_on_when_the_holder_is_killed(file: Path, begin: Start) -> None:
    holder = begin(HOLD, file)
    waiting = begin(WAIT, file)
    assert f"process {holder.pid} on" in first_line(waiting)
    holder.kill()
    assert finish(waiting) == (0, "held\n", "")


@pytest.mark.faults
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_requested_stop_ends_the_wait(number: signal.Signals, file: Path, begin: Start) -> None:
    with locked(file, "the run", ""):
        waiting = begin(WAIT, file)
        began = time.monotonic()
        waiting.send_signal(number)
        assert finish(waiting) == (130, "", "interrupted\n")
        assert time.monotonic() - began < 2
        assert read_holder(file) is not None


@pytest.mark.faults
@pytest.mark.slow
def test_processes_never_hold_a_lock_at_once(file: Path, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [start(tmp_path, "-c", COUNT, file, counter) for _ in range(3)]
    assert [finish(process)[0] for process in processes] == [0, 0, 0]
    assert counter.read_text() == "30"


def test_a_lock_that_was_released_leaves_an_empty_file(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    file = lock_beside(folder)
    for _ in range(2):
        with locked(file, "the data", ""):
            assert read_holder(file) is not None
        assert read_holder(file) is None
    assert [path.name for path in tmp_path.iterdir() if path != folder] == [".data.lock"]
    assert file.read_bytes() == b""
    assert not list(folder.iterdir())


def test_the_same_process_holds_a_lock_once(file: Path) -> None:
    with (
        locked(file, "the run", ""),
        pytest.raises(FmbenchError, match=f"in use by process {os.getpid()} on "),
        locked(file, "the run", ""),
    ):
        pass
    with locked(file, "the run", ""):
        pass


def test_an_error_releases_the_lock(file: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked(file, "the run", ""):
        raise KeyboardInterrupt
    with locked(file, "the run", ""):
        pass


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"pid": "1", "host": "h", "since": "2026-01-01", "purpose": "", "started": ""}',
        '{"pid": true, "host": "h", "since": "2026-01-01", "purpose": "", "started": ""}',
        '{"pid": 1e9, "host": "h", "since": "2026-01-01", "purpose": "", "started": ""}',
        '{"pid": 1, "host": "h", "since": "today", "purpose": "", "started": ""}',
        '{"pid": 1, "host": "h\\u001b[2J", "since": "2026-01-01", "purpose": "", "started": ""}',
        '{"pid": 1, "host": null, "since": "2026-01-01", "purpose": "", "started": ""}',
        '{"pid": 1, "since": "2026-01-01", "purpose": "", "started": ""}',
    ],
)
def test_a_malformed_text_names_nobody(text: str, file: Path) -> None:
    with locked(file, "the run", ""):
        holder_file(file).write_text(text)
        assert read_holder(file) is None
        with (
            pytest.raises(FmbenchError, match="is in use by another process"),
            locked(file, "the run", ""),
        ):
            pass


def test_the_holder_on_another_machine_is_named(file: Path) -> None:
    record = {"pid": 7, "host": "far", "since": "2026-11-28T12:01:00", "purpose": "", "started": ""}
    with locked(file, "the run", ""):
        holder_file(file).write_text(json.dumps(record))
        with (
            pytest.raises(FmbenchError, match="by process 7 on far since 2026-11-28 12:01; wait"),
            locked(file, "the run", ""),
        ):
            pass
    assert json.loads(holder_file(file).read_text()) == record  # another's text is not removed


def test_a_deleted_folder_is_noticed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with locked(lock_inside(run), str(run), "") as lock:
        lock.check()
        shutil.rmtree(run)
        for _ in range(2):
            with pytest.raises(RunFailed, match="run was deleted or replaced"):
                lock.check()
            run.mkdir(exist_ok=True)
            with locked(lock_inside(run), str(run), "the next"):
                pass


def test_links_and_folders_are_not_locked(file: Path, tmp_path: Path) -> None:
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FmbenchError, match=r"\.lock cannot be locked \("), locked(file, "", ""):
        pass
    assert not (tmp_path / "elsewhere").exists()
    with (
        pytest.raises(FmbenchError, match=r"cannot be locked \(Is a directory\)"),
        locked(tmp_path, "", ""),
    ):
        pass


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSYS, FmbenchError),
        (errno.ENOLCK, FmbenchError),
        (errno.EOPNOTSUPP, FmbenchError),
        (errno.ENOSPC, RunFailed),
    ],
)
def test_a_file_system_without_locks_is_one_line(
    code: int, kind: type[FmbenchError], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(fd: int, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    with (
        pytest.raises(FmbenchError, match=r"\.lock cannot be locked \(.*; give a folder") as caught,
        locked(file, "", ""),
    ):
        pass
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


def test_a_waiting_process_asks_whether_to_stop(file: Path) -> None:
    lines: list[str] = []

    def stop_here() -> None:
        if lines:
            raise KeyboardInterrupt

    with (
        locked(file, "the run", ""),
        pytest.raises(KeyboardInterrupt),
        locked(file, "the run", "", waiting=Waiting(lines.append, stop_here)),
    ):
        pass
    assert len(lines) == 1
