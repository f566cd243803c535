"""The environment of each process of a grid: which device it sees, and which processors it has."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence

from fmbench.errors import FmbenchError

PROCESSORS = "FMBENCH_PROCESSORS"
"""Numbers of the processors of a process, separated by commas."""
PER_DEVICE = 8
"""As many jobs share a CUDA device by default."""


def slots_of(
    devices: str, processes: int | None, may_be_none: bool = False
) -> list[dict[str, str]]:
    """Return the environment of each process.

    Args:
        devices: `cpu`, `cuda` (all devices), `cuda:N` or `cuda:FIRST-LAST`.
        processes: How many processes; None for as many as there are processors, on CUDA devices at
            most eight for each.
        may_be_none: Whether there need be no CUDA device; the answer is then empty.

    Raises:
        FmbenchError: The devices are written in another way, or are not there.
    """
    cores = _cores()
    if devices == "cpu":
        return [_own(cores, k, processes or len(cores)) for k in range(processes or len(cores))]
    numbers = _devices(devices, may_be_none)
    if not numbers:
        return []
    count = processes or min(PER_DEVICE * len(numbers), max(len(cores), len(numbers)))
    return [
        {"CUDA_VISIBLE_DEVICES": numbers[k % len(numbers)], **_own(cores, k, count)}
        for k in range(count)
    ]


def processors_of(slot: Mapping[str, str]) -> list[int]:
    """Return the numbers of the processors of a slot; none if it states none."""
    return [int(number) for number in slot.get(PROCESSORS, "").split(",") if number]


def lend(pid: int, processors: Sequence[int]) -> None:
    """Let a process use these processors only, from now on, where the system can do that.

    Simulations that it starts afterwards have as many threads; those of several processes would
    wait for each other otherwise. Episodes do not depend on their number.
    """
    if processors and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # it has just ended
            os.sched_setaffinity(pid, processors)


def _cores() -> list[int]:
    """Return the numbers of the processors that may be used."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _own(cores: list[int], index: int, count: int) -> dict[str, str]:
    """Return the processors of one process: an equal part, or one that several share."""
    first, last = index * len(cores) // count, (index + 1) * len(cores) // count
    own = cores[first:last] or [cores[first]]
    return {PROCESSORS: ",".join(map(str, own))}


def _devices(devices: str, may_be_none: bool) -> list[str]:
    """Return the numbers of CUDA devices; none if there are none here and that may be."""
    import torch

    there = torch.cuda.device_count()
    kind, _, numbers = devices.partition(":")
    first, _, last = numbers.partition("-")
    given = (first, last or first) if numbers else ("0", str(max(0, there - 1)))
    if kind != "cuda" or not all(n.isascii() and n.isdigit() and len(n) < 4 for n in given):
        raise FmbenchError(f"--devices is {devices!r}; give cpu, cuda, cuda:N or cuda:FIRST-LAST")
    if may_be_none and there == 0:
        return []
    chosen = range(int(given[0]), int(given[1]) + 1)
    if not chosen or chosen[-1] >= there:
        raise FmbenchError(f"--devices is {devices!r}; this machine has {there} CUDA devices")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = visible.split(",") if visible else []
    return [names[k] if len(names) == there else str(k) for k in chosen]
