"""Trainings by LeRobot's own command, in this process."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

from tests.benchmarks.anchors.our_network import our_network
from tests.benchmarks.anchors.recipes import WITH_OUR_NETWORK, Anchor
from tests.benchmarks.anchors.windows import windows_of

FIRST = 60
"""Updates of the first attempt of a training whose time is given, not its number of updates."""
ATTEMPTS, TOLERANCE = 6, 0.1
"""How often it is begun, and by which share of its time it may last longer or shorter."""
_LASTED: dict[str, int] = {}
"""Name of a run to the updates that lasted as long for a seed: the first attempt of the next."""


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

    Raises:
        RuntimeError: No attempt lasted as long as that.
    """
    target, part = folder / anchor.name, folder / f"{anchor.name}.part"
    if target.exists():
        return f"{anchor.name}: found"

    def attempt(updates: int) -> list[float]:
        return _run(anchor, data, part, updates, device)

    if seconds is None:
        done = _shown(updates, _duration(attempt(updates)))
    else:
        updates, done = _train_for(seconds, attempt, _LASTED.get(anchor.run, FIRST))
        _LASTED[anchor.run] = updates
    for large in part.rglob("optimizer_state.safetensors"):
        large.unlink()
    part.rename(target)
    return f"{anchor.name}: {done}"


def _train_for(
    seconds: float, attempt: Callable[[int], list[float]], updates: int
) -> tuple[int, str]:
    """Train from the start until an attempt lasts as long as wanted; return its updates and a line.

    Other processes may disturb an attempt, and a learning rate may depend on the number of
    updates, so that a training is neither cut nor prolonged.

    Raises:
        RuntimeError: None of the attempts did, so that there is nothing at equal time.
    """
    before = list[str]()
    for count in range(1, ATTEMPTS + 1):
        duration = _duration(attempt(updates))
        done = _shown(updates, duration)
        if abs(duration - seconds) <= TOLERANCE * seconds:
            return updates, f"{done} of {seconds:.1f} s, attempt {count}"
        before.append(done)
        updates = max(2, round(updates * seconds / duration))  # one alone is not timed
    raise RuntimeError(
        f"no attempt lasted {seconds:.1f} s within {TOLERANCE:.0%}: {', '.join(before)}; "
        "the same command tries again, and fewer at once disturb each other less"
    )


def _duration(ends: Sequence[float]) -> float:
    """Return how long updates take at the pace of those after the first, in which torch starts.

    Args:
        ends: When each of them ended [s].
    """
    return (ends[-1] - ends[0]) * len(ends) / max(len(ends) - 1, 1)


def _shown(updates: int, duration: float) -> str:
    return f"{updates} updates in {duration:.1f} s"


def _run(anchor: Anchor, data: Path, out: Path, updates: int, device: str) -> list[float]:
    """Train in a new folder; return when each update ended [s]."""
    from lerobot.scripts import lerobot_train

    shutil.rmtree(out, ignore_errors=True)
    words = ["lerobot-train", *anchor.words(data, out, updates, device)]
    network = our_network() if anchor.policy in WITH_OUR_NETWORK else nullcontext()
    own_words = mock.patch.object(sys, "argv", words)
    with network, own_words, windows_of(device), _timed(lerobot_train) as ends:
        lerobot_train.main()
    return ends


@contextmanager
def _timed(lerobot_train: Any) -> Iterator[list[float]]:
    ends, original = list[float](), lerobot_train.update_policy

    def update(*arguments: Any, **options: Any) -> Any:
        result = original(*arguments, **options)  # reads the loss, so that the device is done
        ends.append(time.perf_counter())
        return result

    with mock.patch.object(lerobot_train, "update_policy", update):
        yield ends
