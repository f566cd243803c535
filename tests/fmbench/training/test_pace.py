"""Waiting for a device: by events that sleep, a few updates behind; never for a CPU."""

from typing import Any

import pytest
import torch

from fmbench.training.loop import train
from fmbench.training.pace import EVERY, PENDING, Pace
from tests.fmbench.small_training import CONFIG, make_small_windows, start

STREAM: Any = object()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Return what was done with every event, which has the number of its making."""
    done: list[tuple[str, int]] = []

    class Event:
        made = 0

        def __init__(self, *, blocking: bool) -> None:
            assert blocking, "only such an event lets the thread sleep"
            self.number = Event.made
            Event.made += 1

        def record(self, stream: object) -> None:
            assert stream is STREAM
            done.append(("record", self.number))

        def synchronize(self) -> None:
            done.append(("wait", self.number))

    monkeypatch.setattr(torch.cuda, "Event", Event)
    return done


def test_the_host_waits_for_an_update_some_time_ago(calls: list[tuple[str, int]]) -> None:
    pace = Pace(STREAM)
    for update in range(1, EVERY * 6 + 1):
        pace.started()
        recorded = update // EVERY
        assert calls.count(("record", recorded - 1)) == (recorded > 0)
        assert [n for what, n in calls if what == "wait"] == list(range(recorded - PENDING))
    assert calls[-2:] == [("record", 5), ("wait", 5 - PENDING)]


def test_waiting_for_all_is_waiting_for_a_new_event(calls: list[tuple[str, int]]) -> None:
    pace = Pace(STREAM)
    for _ in range(EVERY):
        pace.started()
    pace.wait()
    assert calls == [("record", 0), ("record", 1), ("wait", 1)]
    for _ in range(EVERY * (PENDING + 1)):  # what was waited for is not waited for again
        pace.started()
    assert [n for what, n in calls if what == "wait"] == [1, 2]


@pytest.mark.usefixtures("torch_threads")
def test_a_training_on_a_cpu_makes_no_event(calls: list[tuple[str, int]]) -> None:
    windows = make_small_windows()
    for threads in (1, 2):  # with a second thread, and operation by operation
        torch.set_num_threads(threads)
        assert train(start(windows, "flow", 0), CONFIG, windows)
    assert calls == []
