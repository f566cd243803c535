"""Resumable work: Ctrl-C stops it at a safe point, the same command resumes it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fmbench.cli.mujoco_import import import_mujoco
from fmbench.exit_code import ExitCode

if TYPE_CHECKING:
    from fmbench.cli.session import Session


@contextmanager
def open_session() -> Iterator[Session]:
    """Start the work of a command: handle Ctrl-C, import MuJoCo, yield the session."""
    # Imported late to keep `--help` fast.
    from fmbench.cli.interrupts import Interrupts

    with Interrupts() as interrupts:
        import_mujoco()
        from fmbench.cli.progress import Reporter
        from fmbench.cli.session import Session

        yield Session(Reporter(), interrupts)


def run_resumable(work: Callable[[Session], None], saved: str) -> int:
    """Do resumable work and return the command's exit code, also if it was interrupted.

    Args:
        work: The work; it imports late what would slow `--help` down.
        saved: State of the finished work, for the message: "saved", or "saved in runs/try".
    """
    try:
        with open_session() as session:
            work(session)
    except KeyboardInterrupt:
        print(f"interrupted; finished work is {saved}; the same command resumes", file=sys.stderr)
        return ExitCode.INTERRUPTED
    return ExitCode.DONE
