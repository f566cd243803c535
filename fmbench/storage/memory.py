"""Memory: one message where it does not suffice, and what is freed given back."""

import ctypes
import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fmbench.errors import FmbenchError, RunFailed

SIGNS = re.compile(
    r"(can(no|')t|could not|failed to|unable to) (allocate|map segment)|not enough memory"
    r"|out of memory|std::bad_alloc|_ALLOC_FAILED|size calculation overflowed",
    re.IGNORECASE,
)
"""Words of torch, CUDA, MuJoCo and the dynamic loader, which have no exception of their own."""
ASKED = re.compile(r"(?:tried to|unable to) allocate ([\d.]+) ?(bytes|[KMGT]iB)", re.IGNORECASE)
MEMINFO, LIMIT = Path("/proc/meminfo"), Path("/sys/fs/cgroup/memory.max")
UNIT = 2**20


def lacks_memory(error: BaseException) -> bool:
    """Return whether an exception of any library says that memory does not suffice."""
    if isinstance(error, FmbenchError):
        return False
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or SIGNS.search(str(error)) is not None


@contextmanager
def needs_memory(work: str, remedy: str) -> Iterator[None]:
    """Convert the many errors of too little memory into one.

    Args:
        work: What is done, e.g. "PressEither l1 training".
        remedy: What to do, e.g. "lower --batch-size".

    Raises:
        RunFailed: The memory does not suffice; the message has the remedy.
    """
    try:
        yield
    except Exception as error:
        if not lacks_memory(error):
            raise
        raise _too_little(work, _asked(str(error)), remedy) from error


def check_memory(work: str, size: int, remedy: str) -> None:
    """Check that `size` bytes are free: Linux grants more, and ends the process that uses them.

    Raises:
        RunFailed: They are not; the message has the remedy.
    """
    free = free_memory()
    if free is not None and size > free:
        text = f"at least {size / UNIT:,.0f} MiB, {free / UNIT:,.0f} MiB are free"
        raise _too_little(work, text, remedy)


def free_memory() -> int | None:
    """Return the memory that this process can still get, at most [bytes]; None if not known."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
        values = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        free = values["MemAvailable"] + values["SwapFree"]
    except (OSError, ValueError, KeyError, IndexError):
        return None
    try:
        return min(free, int(LIMIT.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no limit, or "max"
        return free


def give_back() -> None:
    """Give freed memory back to the system, which takes half a millisecond.

    The C library of Linux keeps what was freed, in pieces between what is in use: a process that
    evaluates again and again would grow for some evaluations, although it uses no more.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another system or another C library
        return


def _too_little(work: str, detail: str, remedy: str) -> RunFailed:
    what = f" ({detail})" if detail else ""
    return RunFailed(f"{work} needs more memory than is free{what}; {remedy}")


def _asked(message: str) -> str:
    """Return how much a library could not allocate, as far as its message says it."""
    match = ASKED.search(message)
    if match is None:
        return ""
    if match[2].lower() != "bytes":
        return f"{match[1]} {match[2]} at once"
    return f"{int(match[1]) / UNIT:,.0f} MiB at once"
