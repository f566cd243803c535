"""What was freed is given back where the C library can do it, after the simulations are gone."""

import ctypes
import weakref
from typing import Any

import pytest

from fmbench.config import RunConfig
from fmbench.evaluation import episodes
from fmbench.evaluation.cells import Cell
from fmbench.harness.seeds import TEST, episode_seeds
from fmbench.storage.memory import give_back


def test_it_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Library:
        malloc_trim = staticmethod(asked.append)

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library)
    give_back()
    assert asked == [0]


@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_a_library_that_cannot_is_left_alone(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: object) -> object:
        raise error("no such function")

    monkeypatch.setattr(ctypes, "CDLL", without)
    give_back()


def test_nothing_of_an_evaluation_is_left_when_its_memory_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worlds: list[Any] = []
    alive: list[bool] = []
    rollout = episodes.rollout

    def noted(world: Any, *rest: Any, **more: Any) -> Any:
        worlds.append(weakref.ref(world))
        return rollout(world, *rest, **more)

    monkeypatch.setattr(episodes, "rollout", noted)
    monkeypatch.setattr(episodes, "give_back", lambda: alive.append(worlds[-1]() is not None))
    cell, seeds = Cell("ReachPose", "random"), episode_seeds(TEST, 2)
    found = episodes.play(cell, RunConfig(), None, seeds, lambda done: None, None)
    assert len(found) == 2
    assert alive == [False]
