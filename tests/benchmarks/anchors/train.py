"""Trainings by LeRobot's own command, in this process."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tests.benchmarks.anchors.recipes import Anchor
from tests.benchmarks.anchors.windows import windows_of

PROBE, WARM = 60, 20
"""Updates by which the time of one is measured, and how many of them come before the clock."""


class _Clock:
    """When updates ended [s]."""

    def __init__(self) -> None:
        self.ends: list[float] = []


def train(
    anchor: Anchor, data: Path, folder: Path, device: str, updates: int, seconds: float | None
) -> str:
    """Train unless that is done; return a line about it.

    Args:
        anchor: What is trained.
        data: Folder of the exported data sets.
        folder: Folder of all trainings.
        device: Where it is trained.
        updates: Number of updates.
        seconds: How long it is trained instead, in as many updates as that takes.
    """
    target = folder / anchor.name
    if target.exists():
        return f"{anchor.name}: found"
    if seconds is not None:
        probe = _run(anchor, data, folder / f"{anchor.name}.probe", PROBE, device)
        shutil.rmtree(folder / f"{anchor.name}.probe")
        updates = max(1, round(seconds * (PROBE - WARM) / (probe.ends[-1] - probe.ends[WARM - 1])))
    part = folder / f"{anchor.name}.part"
    clock = _run(anchor, data, part, updates, device)
    for large in part.rglob("optimizer_state.safetensors"):
        large.unlink()
    part.rename(target)
    return f"{anchor.name}: {updates} updates in {clock.ends[-1] - clock.ends[0]:.1f} s"


def _run(anchor: Anchor, data: Path, out: Path, updates: int, device: str) -> _Clock:
    from lerobot.scripts import lerobot_train

    shutil.rmtree(out, ignore_errors=True)
    words = ["lerobot-train", *anchor.words(data, out, updates, device)]
    with mock.patch.object(sys, "argv", words), windows_of(device), _timed(lerobot_train) as clock:
        lerobot_train.main()
    return clock


@contextmanager
def _timed(lerobot_train: Any) -> Iterator[_Clock]:
    clock, original = _Clock(), lerobot_train.update_policy

    def update(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)  # reads the loss, so that the device is done
        clock.ends.append(time.perf_counter())
        return result

    with mock.patch.object(lerobot_train, "update_policy", update):
        yield clock
