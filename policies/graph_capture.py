"""Capture of CUDA graphs, during which the garbage collector does not run."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

_lock = threading.Lock()
_open_captures = 0
_was_enabled = True


@contextmanager
def capture(graph: torch.cuda.CUDAGraph, **options: Any) -> Iterator[None]:
    """Capture what is done within this context, as `torch.cuda.graph` does.

    The collector can start at any allocation. If it then frees an earlier graph (in a reference
    cycle, such as that of a finished training), CUDA rejects that in a thread that is capturing,
    and the capture fails. Torch itself no longer collects before a capture.

    Args:
        graph: The graph.
        **options: Further arguments of `torch.cuda.graph`.
    """
    with without_collection(), torch.cuda.graph(graph, **options):
        yield


@contextmanager
def without_collection() -> Iterator[None]:
    """Switch the garbage collector off; it is as before when no thread is in this context."""
    global _open_captures, _was_enabled
    with _lock:
        if _open_captures == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _open_captures += 1
    try:
        yield
    finally:
        with _lock:
            _open_captures -= 1
            if _open_captures == 0 and _was_enabled:
                gc.enable()
