"""Memory: one message where it does not suffice."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from fmbench.errors import FmbenchError, RunFailed

SIGNS = re.compile(
    r"(can(no|')t|could not|failed to|unable to) (allocate|map segment)|not enough memory"
    r"|out of memory|std::bad_alloc|_ALLOC_FAILED|size calculation overflowed",
    re.IGNORECASE,
)
"""Words of torch, CUDA, MuJoCo and the dynamic loader, which have no exception of their own."""
ASKED = re.compile(r"(?:tried to|unable to) allocate ([\d.]+) ?(bytes|[KMGT]iB)", re.IGNORECASE)


def lacks_memory(error: BaseException) -> bool:
    """Return whether an exception of any library says that memory does not suffice."""
    if isinstance(error, FmbenchError):
        return False
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or SIGNS.search(str(error)) is not None


@contextmanager
def needs_memory(work: str, lower: str) -> Iterator[None]:
    """Convert the many errors of too little memory into one.

    Args:
        work: What is done, e.g. "PressEither l1 training".
        lower: The flags that decide how much it needs, e.g. "--batch-size or --width".

    Raises:
        RunFailed: The memory does not suffice; the message names the flags.
    """
    try:
        yield
    except Exception as error:
        if not lacks_memory(error):
            raise
        raise too_little(work, lower, _asked(str(error))) from error


def too_little(work: str, lower: str, missing: str = "") -> RunFailed:
    """Build the error for work that needs more memory than there is."""
    more = f" ({missing})" if missing else ""
    return RunFailed(
        f"{work} needs more memory than is free{more}; lower {lower} and give another --out, or "
        "resume where more is free: finished work is kept"
    )


def _asked(message: str) -> str:
    """Return how much a library could not allocate, as far as its message says it."""
    match = ASKED.search(message)
    if match is None:
        return ""
    number, unit = float(match[1]), match[2]
    if unit.lower() == "bytes":
        number, unit = number / 2**20, "MiB"
    return f"{number:,.0f} {unit} at once"
