"""Work of ultralytics in a process of its own, seen from the process that waits for it."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fmbench.detection.worker import DONE, FAILED, PROGRESS, READY, REFUSED
from fmbench.errors import FmbenchError, RunFailed
from fmbench.storage.critical import uninterrupted

ROOT = Path(__file__).parents[2]
EXTRA = "python -m fmbench.detector needs ultralytics: python -m pip install -e '.[yolo]'"
QUIET = {"YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false", "YOLO_AUTOINSTALL": "false"}
"""Settings with which ultralytics asks no network, and prints and installs nothing."""


def check_installed() -> None:
    """Check that the extra is installed, without importing it.

    Raises:
        FmbenchError: It is not; the message contains the install command.
    """
    if importlib.util.find_spec("ultralytics") is None:
        raise FmbenchError(EXTRA)


class Worker:
    """A process that does one piece of work; see `fmbench.detection.worker`.

    Attributes:
        folder: An empty folder for the work; it is deleted afterwards.
    """

    def __init__(self, process: "subprocess.Popen[str]", folder: Path, log: IO[bytes]) -> None:
        self._process, self._log, self.folder = process, log, folder

    def run(self, job: dict[str, Any], on_progress: Callable[[int], None]) -> Any:
        """Do the work and return its result.

        Args:
            job: Its values, as JSON.
            on_progress: Called with the units of work that are done.

        Raises:
            FmbenchError: A value, or a file that it names, is not accepted.
            RunFailed: It failed.
        """
        assert self._process.stdin is not None
        try:
            print(json.dumps(job), file=self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:  # it has ended, which `_answers` reports
            pass
        for key, value in self._answers():
            if key == PROGRESS:
                on_progress(value)
            elif key == DONE:
                return value
        raise self._ended()

    def wait_until_ready(self) -> int:
        """Wait until ultralytics has been imported; return the number of CUDA devices.

        Raises:
            FmbenchError: It cannot be; the message says what is missing.
        """
        for key, value in self._answers():
            assert key == READY
            return int(value)
        raise self._ended()

    def _answers(self) -> Iterator[tuple[str, Any]]:
        """Yield what the process says, until it ends.

        Raises:
            FmbenchError: It refuses the work.
            RunFailed: It failed.
        """
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            ((key, value),) = json.loads(line).items()
            if key == REFUSED:
                raise FmbenchError(value)
            if key == FAILED:
                raise RunFailed(f"ultralytics failed: {value}") from RuntimeError(self._said())
            assert key in (READY, PROGRESS, DONE)
            yield key, value

    def _ended(self) -> RunFailed:
        """Return the error for a process that ended without a result."""
        code = self._process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        error = RunFailed(f"the process in which ultralytics works ended with {how}")
        error.__cause__ = RuntimeError(self._said())
        return error

    def _said(self) -> str:
        """Return what the process printed."""
        self._log.seek(0)
        return self._log.read().decode("utf-8", errors="replace")


@contextmanager
def started(work: str) -> Iterator[Worker]:
    """Start a process for one piece of work, and end it with everything that it started.

    It is no part of the terminal's process group: Ctrl-C reaches this process alone.

    Args:
        work: A key of `fmbench.detection.worker.WORKS`.

    Raises:
        FmbenchError: The extra is not installed.
    """
    check_installed()
    with tempfile.TemporaryDirectory(prefix="fmbench-", ignore_cleanup_errors=True) as place:
        folder, settings = (Path(place, name) for name in ("work", "settings"))
        folder.mkdir()
        settings.mkdir()
        process = None
        with tempfile.TemporaryFile() as log:
            try:
                with uninterrupted():  # a process that has begun is known here, and is ended
                    process = _start([work, place], settings, log)
                yield Worker(process, folder, log)
            finally:
                if process is not None:
                    with uninterrupted():
                        _end(process)


def _start(words: list[str], settings: Path, log: IO[bytes]) -> "subprocess.Popen[str]":
    """Start a worker in a session of its own; what it prints goes to `log`."""
    paths = (str(ROOT), os.environ.get("PYTHONPATH"))
    environment = {
        **os.environ,
        **QUIET,
        "YOLO_CONFIG_DIR": str(settings),
        "TMPDIR": str(settings),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "fmbench.detection.worker", *words],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )


def _end(process: "subprocess.Popen[str]") -> None:
    """End a process and all processes of its session, and close its pipes."""
    try:
        os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
    except (ProcessLookupError, PermissionError):  # it has ended
        process.kill()
    process.communicate()
