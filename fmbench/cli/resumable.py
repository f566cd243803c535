"""Resumable work: Ctrl-C stops it at a safe point, the same command resumes it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fmbench.cli.imports import lasting_imports
from fmbench.cli.interrupts import Interrupts
from fmbench.cli.mujoco_import import import_mujoco
from fmbench.exit_code import ExitCode

if TYPE_CHECKING:
    from fmbench.cli.session import Session


@contextmanager
def open_session(module: str) -> Iterator[Session]:
    """Start the work of a command and yield its session.

    Args:
        module: What does the work. It is imported first: until then a signal ends the command at
            once, later at a safe point.
    """
    # Imported late to keep `--help` fast.
    with lasting_imports():
        import_mujoco()
        importlib.import_module(module)
        from fmbench.cli.progress import Reporter
        from fmbench.cli.session import Session

    with Interrupts() as interrupts:
        yield Session(Reporter(), interrupts)


def run_resumable(module: str, work: Callable[[Session], None], saved: str) -> int:
    """Do resumable work and return the command's exit code, also if it was interrupted.

    Args:
        module: What does the work; it is imported before.
        work: The work.
        saved: State of the finished work, for the message: "saved", or "saved in runs/try".
    """
    try:
        with open_session(module) as session:
            work(session)
    except KeyboardInterrupt:
        print(f"interrupted; finished work is {saved}; the same command resumes", file=sys.stderr)
        return ExitCode.INTERRUPTED
    return ExitCode.DONE
