"""A process that does jobs of a grid, one after the other, as its parent sends them.

A job is one line of JSON on standard input; its end is one on standard output. Warnings go to
standard error. When the parent ends, so does standard input: the job then stops at its next safe
point.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from fmbench.cli.imports import lasting_imports
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.cli.plugin_files import load_plugins
from fmbench.cli.progress import Reporter, Stage
from fmbench.cli.session import Session
from fmbench.cli.torch_settings import configure_torch
from fmbench.config import RunConfig
from fmbench.errors import FmbenchError
from fmbench.exit_code import ExitCode
from fmbench.runs.grid.processes import END_OF_NOTES


class SilentReporter(Reporter):
    """Shows nothing: the parent shows the progress of all jobs together."""

    is_shown = False

    def say(self, text: str) -> None:
        """Say nothing."""

    @contextmanager
    def stage(
        self, name: str, total: int, done: int = 0, pieces: Sequence[str] = ()
    ) -> Iterator[Stage]:
        """Show nothing."""
        del name, total, done, pieces
        yield _Silent()


class _Silent:
    def update(self, done: int, left: float | None = None) -> None:
        """Show nothing."""


def main() -> int:
    """Do jobs until the parent closes standard input, or a stop is requested."""
    with os.fdopen(os.dup(1), "w") as channel, Interrupts() as interrupts:
        os.dup2(2, 1)  # what a library prints must not be taken for a message
        session = Session(SilentReporter(), interrupts)
        try:
            load_plugins(sys.argv[1:])
            with lasting_imports():
                import_mujoco()
                importlib.import_module("fmbench.runs.experiment")  # for `do_job`
        except FmbenchError as error:
            _send(channel, error.exit_code, str(error))
            return error.exit_code
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(lines, interrupts), daemon=True).start()
        while line := lines.get():
            code, text = do_job(json.loads(line), session)
            print(END_OF_NOTES, file=sys.stderr, flush=True)
            _send(channel, code, text)
            if code == ExitCode.INTERRUPTED:
                return code
    return ExitCode.DONE


def _send(channel: TextIO, code: int, text: str) -> None:
    print(json.dumps({"code": int(code), "text": text}), file=channel, flush=True)


def _read(lines: queue.SimpleQueue[str], interrupts: Interrupts) -> None:
    for line in sys.stdin:
        lines.put(line)
    interrupts.requested = True
    lines.put("")


def do_job(job: dict[str, Any], session: Session) -> tuple[int, str]:
    """Do one job; return its exit code, and what went wrong in one line."""
    from fmbench.runs.experiment import Experiment
    from fmbench.runs.grid.recording import record_policy
    from fmbench.runs.run_options import RunOptions
    from fmbench.runs.second_block import evaluate_second_block

    values: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in job["config"].items()
    }
    config, options = RunConfig(**values), RunOptions(**job["options"])
    try:
        configure_torch(config.device)
        if "run" in job:  # a finished one, on the second block of test seeds
            run, out = Path(job["run"]), Path(job["out"])
            accept = options.accept_changes
            evaluate_second_block(run, {}, out, session, options.command, accept, draws=False)
        elif "record" in job:  # episodes of a finished run
            record_policy(config, job["record"], session)
        else:
            Experiment(config, Path(job["out"]), Path(job["data"]), session, options).run()
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED, ""
    except FmbenchError as error:
        return error.exit_code, str(error)
    except Exception as error:  # one job must not stop the others
        traceback.print_exc()
        return ExitCode.FAILED, f"{type(error).__name__}: {' '.join(str(error).split())}"
    return ExitCode.DONE, ""


if __name__ == "__main__":
    sys.exit(main())
