"""Imports of a command: what they bring stays to its end, so no garbage is searched for in it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from fmbench.cli import early


@contextmanager
def lasting_imports() -> Iterator[None]:
    """Import what a command works with, within the `with` block.

    torch, matplotlib and pandas bring 300,000 objects. Python searches them all for garbage several
    times while they are imported, now and then during the work, and at the end of the process: a
    third of the time that their import takes. What is made later is searched as ever. Does nothing
    in the process of a library's user.
    """
    if not early.is_command():
        yield
        return
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
