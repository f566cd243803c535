"""A run that is killed at any rename, just before or just after it, is resumed to the same bytes.

With `FMBENCH_ALL_KILLS=1` it is killed before every change of a file or folder.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fmbench.config import RunConfig
from fmbench.storage import exchange
from tests.fmbench.moments import around_renames, forked, kill_at, record
from tests.fmbench.runs.small_experiment import CONFIG, comparable, quickly, run

ALL = os.environ.get("FMBENCH_ALL_KILLS") == "1"
PARTS = range(6)
"""The kills of one kind are done in so many tests, which may run at the same time."""
TINY = replace(CONFIG, nfe=(1, 2), episodes=2, demos=2, width=8, batch_size=4)
LARGER = replace(TINY, seeds=2, episodes=3)

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.usefixtures("torch_threads", "quick"),
]


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    with quickly():
        yield


@dataclass
class Whole:
    """What uninterrupted runs left, and their changes of files in order."""

    small: Path
    grown: Path
    start: list[str]
    growth: list[str]
    growth_without_exchange: list[str]


def without_exchange() -> None:
    """Let this process have no system call that exchanges two paths."""
    exchange._exchange_at_once = lambda new, old: False  # type: ignore[assignment]


def changes_of(config: RunConfig, root: Path, exchanges: bool = True) -> list[str]:
    """Run in `root`, in a process of its own; return its changes."""
    lines = root.with_name(f"{root.name}.changes")

    def work() -> None:
        if not exchanges:
            without_exchange()
        record(lines, root)
        run(config, root / "run", root / "data")

    assert forked(work) == 0
    return lines.read_text().splitlines()


@pytest.fixture(scope="module")
def whole(quick: None, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    root = tmp_path_factory.mktemp("whole")
    run(TINY, root / "warm" / "run", root / "warm" / "data")  # what follows is copied from here
    (root / "small").mkdir()
    start = changes_of(TINY, root / "small")
    shutil.copytree(root / "small", root / "grown")
    growth = changes_of(LARGER, root / "grown")
    shutil.copytree(root / "small", root / "other")
    other = changes_of(LARGER, root / "other", exchanges=False)
    run(LARGER, root / "larger" / "run", root / "small" / "data")
    expected = comparable(root / "larger" / "run")
    assert comparable(root / "grown" / "run") == comparable(root / "other" / "run") == expected
    return Whole(root / "small", root / "grown", start, growth, other)


def moments(changes: list[str], part: int, first: int = 0) -> list[int]:
    """Return one part of the moments of a run: the `first` ones, and those around renames."""
    chosen = range(len(changes)) if ALL else sorted({*range(first), *around_renames(changes)})
    return [moment for moment in chosen if moment < len(changes)][part :: len(PARTS)]


def check_kill(
    moment: int, config: RunConfig, root: Path, expected: Path, exchanges: bool = True
) -> None:
    """Kill a run in `root` at a moment, resume it, and compare it with what is expected."""

    def work() -> None:
        if not exchanges:
            without_exchange()
        kill_at(moment, root)
        run(config, root / "run", root / "data")

    assert forked(work) == -9
    run(config, root / "run", root / "data")
    assert comparable(root / "run") == comparable(expected / "run")
    assert comparable(root / "data") == comparable(expected / "data")
    assert leftovers(root / "run") == [".lock"]
    assert {Path(name).suffix for name in leftovers(root / "data")} <= {".lock", ".holder"}


def leftovers(folder: Path) -> list[str]:
    """Return the hidden files and folders below a folder."""
    return sorted(path.name for path in folder.rglob(".*"))


def test_every_kind_of_write_is_among_the_changes(whole: Whole) -> None:
    for name in ("run.json", "cells.csv", "summary.md", "success_rates.png", "-expert.csv"):
        assert any(f.startswith("rename") and f.endswith(name) for f in whole.start), name
    assert sum(change == "exchange" for change in whole.start) == 3
    assert sum(change == "exchange" for change in whole.growth) == 3
    assert any(f.endswith("data/PressEither-v2-2") for f in map(_without_hash, whole.start))
    away = [change for change in whole.growth_without_exchange if change.endswith(".PID.old")]
    assert len([change for change in away if change.startswith("rename")]) == 3


def _without_hash(change: str) -> str:
    return change.rpartition("-")[0]


@pytest.mark.parametrize("part", PARTS)
def test_a_new_run_killed_at_any_rename(part: int, whole: Whole, tmp_path: Path) -> None:
    first = next(k for k, line in enumerate(whole.start) if line.endswith(" run/run.json")) + 2
    for moment in moments(whole.start, part, first):
        root = tmp_path / str(moment)
        root.mkdir()
        check_kill(moment, TINY, root, whole.small)


@pytest.mark.parametrize("part", PARTS)
def test_a_growing_run_killed_at_any_rename(part: int, whole: Whole, tmp_path: Path) -> None:
    for moment in moments(whole.growth, part):
        root = shutil.copytree(whole.small, tmp_path / str(moment))
        check_kill(moment, LARGER, root, whole.grown)


@pytest.mark.parametrize("part", PARTS)
def test_a_run_killed_while_it_replaces_a_checkpoint_without_exchange(
    part: int, whole: Whole, tmp_path: Path
) -> None:
    changes = whole.growth_without_exchange
    for moment in moments(changes, part):
        near = "".join(changes[max(moment - 1, 0) : moment + 1])
        if ALL or "rename checkpoints" in near or "rename run/checkpoints" in near:
            root = shutil.copytree(whole.small, tmp_path / str(moment))
            check_kill(moment, LARGER, root, whole.grown, exchanges=False)
