"""The environment of each process of a grid: which device it sees."""

from __future__ import annotations

import os

from fmbench.errors import FmbenchError

PER_DEVICE = 4
"""As many jobs share a CUDA device by default."""


def slots_of(devices: str, processes: int | None) -> list[dict[str, str]]:
    """Return the environment of each process.

    Args:
        devices: `cpu`, `cuda` (all devices), `cuda:N` or `cuda:FIRST-LAST`.
        processes: How many processes; None for as many as there are processors, on CUDA devices at
            most four for each.

    Raises:
        FmbenchError: The devices are written in another way, or are not there.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if devices == "cpu":
        return [{} for _ in range(processes or cores)]
    numbers = _devices(devices)
    count = processes or min(PER_DEVICE * len(numbers), max(cores, len(numbers)))
    return [{"CUDA_VISIBLE_DEVICES": numbers[k % len(numbers)]} for k in range(count)]


def _devices(devices: str) -> list[str]:
    """Return the numbers of CUDA devices."""
    import torch

    there = torch.cuda.device_count()
    kind, _, numbers = devices.partition(":")
    first, _, last = numbers.partition("-")
    given = (first, last or first) if numbers else ("0", str(max(0, there - 1)))
    if kind != "cuda" or not all(n.isascii() and n.isdigit() and len(n) < 4 for n in given):
        raise FmbenchError(f"--devices is {devices!r}; give cpu, cuda, cuda:N or cuda:FIRST-LAST")
    chosen = range(int(given[0]), int(given[1]) + 1)
    if not chosen or chosen[-1] >= there:
        raise FmbenchError(f"--devices is {devices!r}; this machine has {there} CUDA devices")
    names = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return [names[k] if len(names) == there else str(k) for k in chosen]
