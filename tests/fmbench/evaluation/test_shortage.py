"""A policy that lacks memory in an episode has not failed: the run has, and no row is written."""

from pathlib import Path

import numpy as np
import pytest
import torch

from envs.registry import make_task
from envs.task import IntArray
from envs.world import World
from fmbench.cli.session import Session
from fmbench.errors import RunFailed
from fmbench.evaluation import episodes
from fmbench.evaluation.cells import RANDOM, Cell, Origin
from fmbench.evaluation.players import Player
from fmbench.harness.open_loop import RandomPolicy
from fmbench.runs.cell_store import CellStore
from tests.fmbench.runs.small_experiment import CONFIG


class Greedy(RandomPolicy):
    """Needs more memory than any machine has."""

    def act(self, rows: IntArray, observations: np.ndarray) -> tuple[np.ndarray, IntArray]:
        torch.empty(2**50)
        return super().act(rows, observations)


def test_lack_of_memory_is_no_failed_episode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CellStore(tmp_path, CONFIG, Session(), [], times_decisions=False)
    cell = Cell("PressEither", RANDOM)

    def greedy(*_: object) -> Player:
        world = World(make_task(cell.task), CONFIG.episodes)
        return Player(world, Greedy(world))

    monkeypatch.setattr(episodes, "_player", greedy)
    with pytest.raises(RunFailed, match="PressEither-random evaluation needs more memory than is"):
        store.episodes(cell, Origin(), None)
    assert not list(tmp_path.rglob("*.csv"))
    monkeypatch.undo()
    rows = store.episodes(cell, Origin(), None).rows
    assert [row.error for row in rows] == [""] * CONFIG.episodes
