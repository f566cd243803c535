"""No garbage is collected while a CUDA graph is captured."""

import contextlib
import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from policies.graph_capture import capture, without_collection


class Graph:
    """Stands for an earlier graph, which must not be freed during a capture."""

    def __init__(self) -> None:
        self.cycle = self


@pytest.fixture(autouse=True)
def _frequent_collection() -> Iterator[None]:
    thresholds, enabled = gc.get_threshold(), gc.isenabled()
    gc.enable()
    gc.set_threshold(50, 1, 1)
    yield
    gc.set_threshold(*thresholds)
    (gc.enable if enabled else gc.disable)()


def is_freed_by_allocations() -> bool:
    unreachable = weakref.ref(Graph())
    kept = [[] for _ in range(5_000)]  # type: ignore[var-annotated]
    return len(kept) == 5_000 and unreachable() is None


def test_a_capture_frees_no_earlier_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    captured: list[tuple[Any, dict[str, Any]]] = []

    @contextlib.contextmanager
    def of_torch(graph: Any, **options: Any) -> Iterator[None]:
        captured.append((graph, options))
        yield

    monkeypatch.setattr(torch.cuda, "graph", of_torch)
    graph: Any = object()
    assert is_freed_by_allocations()
    with capture(graph, capture_error_mode="thread_local"):
        assert not is_freed_by_allocations()
    assert is_freed_by_allocations()
    assert captured == [(graph, {"capture_error_mode": "thread_local"})]


def test_the_collector_is_as_before_also_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), without_collection():
        raise ZeroDivisionError
    assert gc.isenabled()
    gc.disable()
    with without_collection():
        pass
    assert not gc.isenabled()


def test_the_collector_stays_off_until_the_last_thread_has_captured() -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with without_collection():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=other)
    with without_collection():
        thread.start()
        entered.wait()
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()
