"""Several processes that do jobs side by side; a job whose process dies is done again."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fmbench.cli.interrupts import Interrupts
from fmbench.exit_code import ExitCode
from fmbench.runs.grid.slots import lend, processors_of

ATTEMPTS = 2
"""A failed job is tried once more, after the others."""
POLL_S, CLOSE_S, NOTES_S = 0.2, 5.0, 1.0
END_OF_NOTES = "\x1e"
"""The line that a process writes on standard error when a job has ended, before it says so."""
WORKER = (sys.executable, "-m", "fmbench.runs.grid.worker")


@dataclasses.dataclass(frozen=True)
class Order:
    """A job as a process gets it.

    Attributes:
        name: Its name, for messages.
        message: What `fmbench.runs.grid.worker` reads.
    """

    name: str
    message: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        name: Its name.
        code: Its exit code.
        text: What went wrong; empty if nothing did.
        seconds: Its duration [s].
        attempt: Which attempt it was, from 1.
    """

    name: str
    code: int
    text: str
    seconds: float
    attempt: int = 1

    @property
    def is_done(self) -> bool:
        """Whether it was done."""
        return self.code == ExitCode.DONE


class Processes:
    """Does jobs in several processes.

    The processors of those that have nothing left to do are lent to the others.

    Args:
        slots: The environment of each process, e.g. which device it sees.
        command: What starts a process that does jobs as `fmbench.runs.grid.worker` does.
        interrupts: Requests to stop, which are passed on.
    """

    def __init__(
        self,
        slots: Sequence[Mapping[str, str]],
        command: Sequence[str],
        interrupts: Interrupts,
    ) -> None:
        self._slots, self._command, self._interrupts = slots, command, interrupts
        self._waiting: collections.deque[tuple[Order, int]] = collections.deque()
        self._running: set[int] = set()
        self._busy: dict[int, Mapping[str, str]] = {}
        """The processes that do a job, each with its slot."""
        self._since: dict[str, float] = {}
        self._left = 0
        self._is_stopping = False
        self._state = threading.Condition()
        self._events: queue.SimpleQueue[Outcome | tuple[str, str]] = queue.SimpleQueue()

    def run(
        self,
        orders: Sequence[Order],
        on_end: Callable[[Outcome], None],
        on_note: Callable[[str, str], None] = lambda name, text: None,
        on_wait: Callable[[Mapping[str, float]], None] = lambda running: None,
    ) -> None:
        """Do jobs, in their order as far as there are processes.

        Args:
            orders: The jobs.
            on_end: Called in this thread when an attempt at a job has ended.
            on_note: Called in this thread with a job and a line that its process has written on
                standard error.
            on_wait: Called in this thread now and then with the jobs that run, and for how long
                they have [s].

        Raises:
            Interrupted: A stop was requested; all processes have stopped at a safe point.
        """
        self._waiting.extend((order, 1) for order in orders)
        self._left = len(orders)
        threads = [
            threading.Thread(target=self._serve, args=(slot,), daemon=True)
            for slot in self._slots[: len(orders)]
        ]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads) or not self._events.empty():
                if self._interrupts.requested and not self._is_stopping:
                    self._stop()
                try:
                    event = self._events.get(timeout=POLL_S)
                except queue.Empty:
                    now, since = time.monotonic(), dict(self._since)
                    on_wait({name: now - began for name, began in since.items()})
                    continue
                if isinstance(event, Outcome):
                    on_end(event)
                else:
                    on_note(*event)
        except BaseException:
            self._stop()
            raise
        self._interrupts.stop_here()

    def _stop(self) -> None:
        with self._state:
            self._waiting.clear()
            self._left = 0
            self._is_stopping = True
            for pid in self._running:
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    os.kill(pid, signal.SIGINT)
            self._state.notify_all()

    def _serve(self, slot: Mapping[str, str]) -> None:
        """Do jobs in one process after another until none is left."""
        worker: _Worker | None = None
        while (taken := self._take()) is not None:
            order, attempt = taken
            started = self._since[order.name] = time.monotonic()
            if worker is None:
                worker = _Worker(slot, self._command, self._note)
                with self._state:
                    self._running.add(worker.pid)
                    if self._is_stopping:  # it was started while the others were stopped
                        worker.stop()
            with self._state:
                self._busy[worker.pid] = slot
                self._share()
            code, text = worker.do(order)
            with self._state:
                del self._busy[worker.pid]
            del self._since[order.name]
            outcome = Outcome(order.name, code, text, time.monotonic() - started, attempt)
            if worker.has_ended:
                self._end(worker)
                worker = None
            self._finish(order, outcome)
        if worker is not None:
            self._end(worker)

    def _share(self) -> None:
        """Lend the processors of slots without a job to the busy processes, in equal parts.

        Nothing is lent while jobs wait for a process, or for one that is just starting.
        """
        if len(self._busy) < self._left:
            return
        own = {pid: processors_of(slot) for pid, slot in self._busy.items()}
        taken = {number for numbers in own.values() for number in numbers}
        free = sorted({n for slot in self._slots for n in processors_of(slot)} - taken)
        for place, (pid, numbers) in enumerate(own.items()):
            lend(pid, [*numbers, *free[place :: len(own)]])

    def _take(self) -> tuple[Order, int] | None:
        """Return the next job and which attempt it is; wait for jobs that may fail."""
        with self._state:
            while not self._waiting:
                if self._left == 0:
                    return None
                self._share()
                self._state.wait()
            return self._waiting.popleft()

    def _finish(self, order: Order, outcome: Outcome) -> None:
        with self._state:
            again = outcome.attempt < ATTEMPTS and outcome.code != ExitCode.INTERRUPTED
            if not outcome.is_done and again and self._left:
                self._waiting.append((order, outcome.attempt + 1))
            else:
                self._left = max(0, self._left - 1)
            self._state.notify_all()
        self._events.put(outcome)

    def _note(self, name: str, text: str) -> None:
        self._events.put((name, text))

    def _end(self, worker: _Worker) -> None:
        worker.close()
        with self._state:
            self._running.discard(worker.pid)


class _Worker:
    """One process, and the pipes to it."""

    def __init__(
        self, slot: Mapping[str, str], command: Sequence[str], note: Callable[[str, str], None]
    ) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **slot},
            start_new_session=True,  # the parent decides what Ctrl-C does
        )
        self.pid = self._process.pid
        lend(self.pid, processors_of(slot))
        self._job = ""
        self._is_noted = threading.Event()
        self._errors = threading.Thread(target=self._read_errors, args=(note,), daemon=True)
        self._errors.start()

    @property
    def has_ended(self) -> bool:
        """Whether it can do no further job."""
        return self._process.poll() is not None

    def do(self, order: Order) -> tuple[int, str]:
        """Do one job; return its exit code, and what went wrong."""
        self._job = order.name
        self._is_noted.clear()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended; what it said is read below
            print(json.dumps(order.message), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            return ExitCode.FAILED, f"its process ended ({_ended(self._process.wait())})"
        self._is_noted.wait(NOTES_S)  # its last lines are this job's, not the next one's
        message = json.loads(line)
        if message["code"] == ExitCode.INTERRUPTED:
            self._process.wait()
        return int(message["code"]), str(message["text"])

    def stop(self) -> None:
        """Let the process stop at its next safe point."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGINT)

    def close(self) -> None:
        """Let the process end, and wait for it."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._errors.join(CLOSE_S)  # what it wrote last; a child of its own may hold the pipe open

    def _read_errors(self, note: Callable[[str, str], None]) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line.rstrip("\n") == END_OF_NOTES:
                self._is_noted.set()
            elif line.strip():
                note(self._job, line.rstrip())


def _ended(code: int) -> str:
    """Return how a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
