"""Processes of a grid: retries, processes that die, interrupts; with a worker that is no run."""

import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from fmbench.cli.interrupts import Interrupts
from fmbench.evaluation.players import processors
from fmbench.exit_code import ExitCode
from fmbench.runs.grid.processes import Order, Outcome, Processes
from fmbench.runs.grid.slots import PROCESSORS, slots_of
from fmbench.storage.critical import Interrupted
from tests.fmbench.runs.grid.small_grid import rejected

WORKER = """
import json, os, signal, sys, time
stop = []
signal.signal(signal.SIGINT, lambda *_: stop.append(1))
for line in iter(sys.stdin.readline, ""):
    job = json.loads(line)
    folder, kind = job["folder"], job["kind"]
    with open(os.path.join(folder, job["name"]), "a") as file:
        file.write("x")
    times = os.path.getsize(os.path.join(folder, job["name"]))
    if kind == "dies" and times < job["times"]:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "waits":
        while not stop:
            time.sleep(0.01)
    if kind == "alone":  # until it has got the processors of the others
        until = time.monotonic() + 20
        while len(os.sched_getaffinity(0)) < job["times"] and time.monotonic() < until:
            time.sleep(0.01)
    if kind == "notes":
        print("warning: careful", file=sys.stderr, flush=True)
    code, text = (130, "") if stop else (0, os.environ.get("SLOT", ""))
    if kind == "alone":
        text = str(sorted(os.sched_getaffinity(0)))
    if kind == "fails" and times < job["times"]:
        code, text = 1, "no luck"
    print("\x1e", file=sys.stderr, flush=True)
    print(json.dumps({"code": code, "text": text}), flush=True)
    if stop:
        sys.exit(130)
"""


def do(
    folder: Path,
    jobs: dict[str, tuple[str, int]],
    count: int = 2,
    stop_after: float | None = None,
    slots: Sequence[Mapping[str, str]] = (),
) -> tuple[list[Outcome], list[tuple[str, str]], dict[str, int]]:
    """Do jobs, given by name as kind and number of attempts; return outcomes, notes, attempts."""
    folder.mkdir(exist_ok=True)
    orders = [
        Order(name, {"name": name, "kind": kind, "times": times, "folder": str(folder)})
        for name, (kind, times) in jobs.items()
    ]
    interrupts = Interrupts()
    if stop_after is not None:
        threading.Timer(stop_after, lambda: setattr(interrupts, "requested", True)).start()
    slots = slots or [{"SLOT": str(slot)} for slot in range(count)]
    processes = Processes(slots, [sys.executable, "-c", WORKER], interrupts)
    outcomes: list[Outcome] = []
    notes: list[tuple[str, str]] = []
    try:
        processes.run(orders, outcomes.append, lambda *note: notes.append(note))
    finally:
        attempts = {path.name: path.stat().st_size for path in folder.iterdir()}
    return outcomes, notes, attempts


def test_every_job_is_done_once_in_every_slot(tmp_path: Path) -> None:
    jobs = {f"job{k}": ("plain", 1) for k in range(6)}
    outcomes, notes, attempts = do(tmp_path / "jobs", jobs)
    assert sorted(outcome.name for outcome in outcomes) == sorted(jobs)
    assert all(outcome.is_done and outcome.attempt == 1 for outcome in outcomes)
    assert attempts == dict.fromkeys(jobs, 1)
    assert {outcome.text for outcome in outcomes} <= {"0", "1"}
    assert notes == []


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes are not bound here")
def test_the_last_job_gets_the_processors_of_those_that_have_ended(tmp_path: Path) -> None:
    all_processors = sorted(os.sched_getaffinity(0))
    half = len(all_processors) // 2
    if not half:
        pytest.skip("there is one processor only")
    parts = (all_processors[:half], all_processors[half:])
    slots = [{PROCESSORS: ",".join(map(str, part))} for part in parts]
    jobs = {"last": ("alone", len(all_processors)), "short": ("plain", 1)}
    outcomes, *_ = do(tmp_path / "jobs", jobs, slots=slots)
    texts = {outcome.name: outcome.text for outcome in outcomes}
    assert texts["last"] == str(all_processors)


@pytest.mark.parametrize("kind", ["dies", "fails"])
@pytest.mark.parametrize(("times", "is_done"), [(2, True), (3, False)])
def test_a_failed_job_is_tried_once_more_and_the_others_go_on(
    tmp_path: Path, kind: str, times: int, is_done: bool
) -> None:
    jobs = {"bad": (kind, times), "a": ("plain", 1), "b": ("plain", 1)}
    outcomes, _, attempts = do(tmp_path / "jobs", jobs, count=1)
    assert attempts == {"bad": 2, "a": 1, "b": 1}
    assert [outcome.name for outcome in outcomes] == ["bad", "a", "b", "bad"]
    last = outcomes[-1]
    assert (last.is_done, last.attempt) == (is_done, 2)
    text = "its process ended (by SIGKILL)" if kind == "dies" else "no luck"
    assert (outcomes[0].code, outcomes[0].text) == (ExitCode.FAILED, text)


def test_what_a_process_writes_on_standard_error_is_noted(tmp_path: Path) -> None:
    _, notes, _ = do(tmp_path / "jobs", {"loud": ("notes", 1), "after": ("plain", 1)}, count=1)
    assert notes == [("loud", "warning: careful")]


def test_a_stop_reaches_every_process_and_no_job_begins(tmp_path: Path) -> None:
    started = time.monotonic()
    jobs = {name: ("waits", 1) for name in ("a", "b", "c")}
    with pytest.raises(Interrupted):
        do(tmp_path / "jobs", jobs, stop_after=1.0)
    assert time.monotonic() - started < 30
    assert sorted(path.name for path in (tmp_path / "jobs").iterdir()) == ["a", "b"]


def test_slots() -> None:
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    for count in (1, 2, 3, len(cores), 2 * len(cores) + 1):
        slots = slots_of("cpu", count)
        own = [[int(number) for number in slot[PROCESSORS].split(",")] for slot in slots]
        assert len(own) == count
        assert sorted({number for numbers in own for number in numbers}) == cores
        if count <= len(cores):  # none has those of another
            assert sum(map(len, own)) == len(cores)
    assert len(slots_of("cpu", None)) == len(cores)
    for devices in ("cuda:x", "gpu", "cuda:1-", "cuda:-1", "cuda:2-1"):
        assert f"--devices is {devices!r}; " in rejected(lambda text=devices: slots_of(text, None))


def test_there_may_be_no_slots_where_folders_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert slots_of("cuda:0-3", 40, may_be_none=True) == []
    assert "this machine has 0 CUDA devices" in rejected(lambda: slots_of("cuda:0-3", 40))
    assert "give cpu, cuda" in rejected(lambda: slots_of("gpu", 40, may_be_none=True))


@pytest.mark.parametrize(
    ("devices", "processes", "numbers"),
    [("cuda", 4, "0123"), ("cuda:2", 2, "22"), ("cuda:1-2", 3, "121"), ("cuda:0-3", None, "0123")],
)
def test_devices_take_turns(
    monkeypatch: pytest.MonkeyPatch, devices: str, processes: int | None, numbers: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(2), raising=False)
    found = slots_of(devices, processes)
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in found] == list(numbers)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    if devices != "cuda":
        assert "this machine has 1 CUDA devices" in rejected(lambda: slots_of(devices, processes))


@pytest.mark.parametrize(
    ("visible", "there", "numbers"),
    [(None, 1, "0"), ("", 1, "0"), ("5", 1, "5"), ("6,3", 2, "63"), (None, 2, "01")],
)
def test_devices_keep_the_names_that_they_are_given(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, there: int, numbers: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = slots_of("cuda", there)
    assert [slot["CUDA_VISIBLE_DEVICES"] for slot in found] == list(numbers)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_a_process_has_the_processors_of_its_slot(tmp_path: Path) -> None:
    for number, slot in enumerate(slots_of("cpu", processors())):
        ((outcome,), *_) = do(tmp_path / str(number), {"job": ("alone", 1)}, slots=[slot])
        assert outcome.text == f"[{slot[PROCESSORS]}]"
