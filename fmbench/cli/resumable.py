"""Do work that Ctrl-C stops at a safe point and the same command resumes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fmbench.cli.mujoco_import import import_mujoco

if TYPE_CHECKING:
    from fmbench.cli.session import Session


@contextmanager
def open_session() -> Iterator[Session]:
    """Begin the work of a command: from here on Ctrl-C asks it to stop, and MuJoCo is there."""
    # What is imported here takes a moment that `--help` should not take.
    from fmbench.cli.interrupts import Interrupts

    with Interrupts() as interrupts:
        import_mujoco()
        from fmbench.cli.progress import Reporter
        from fmbench.cli.session import Session

        yield Session(Reporter(), interrupts)


def run_resumable(work: Callable[[Session], None], kept: str) -> int:
    """Do resumable work and return the command's exit code: 0, or 130 if it was interrupted.

    Args:
        work: What to do; imports what `--help` should not.
        kept: Where everything is that was done, for the message: "saved", or "in runs/try".
    """
    try:
        with open_session() as session:
            work(session)
    except KeyboardInterrupt:
        print(f"interrupted; everything done is {kept}; the same command resumes", file=sys.stderr)
        return 130
    return 0
