"""Operations on a CUDA stream of their own, eager at first, then as a replayed CUDA graph."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fmbench.training.pace import Pace
from policies.graph_capture import capture

WARM_UP_UPDATES = 3
"""Eager updates before the capture, in which torch chooses kernels and workspaces."""


class Replayed:
    """Operations that are started by one launch of the host, a few calls ahead of the device.

    Args:
        operations: What to replay; returns tensors on the device.
        clear: Sets the gradients to None; those of a graph belong to it.
        generators: Registered with the graph, so that replays draw the same numbers as eager calls.
        device: A CUDA device.

    Attributes:
        stream: Where the operations run; change their inputs there.
        done: Number of calls so far.
    """

    def __init__(
        self,
        operations: Callable[[], tuple[Tensor, Tensor]],
        clear: Callable[[], None],
        generators: Sequence[torch.Generator],
        device: torch.device,
    ) -> None:
        self._operations, self._clear, self._generators = operations, clear, generators
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.stream.wait_stream(torch.cuda.current_stream(device))
        self._pace = Pace(self.stream)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._results: tuple[Tensor, ...] = ()
        self.done = 0

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Start the operations, and return what they will have returned."""
        with torch.cuda.stream(self.stream):
            if self.done < WARM_UP_UPDATES:
                self._clear()
                first, second = self._operations()
            else:
                if self._graph is None:
                    self._graph = self._capture()
                self._graph.replay()
                first, second = (result.clone() for result in self._results)
        self.done += 1
        self._pace.started()
        return first, second

    def wait(self) -> None:
        """Wait until all that was started is complete."""
        self._pace.wait()

    def _capture(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        self._clear()
        self.wait()
        with capture(graph, stream=self.stream, capture_error_mode="thread_local"):
            self._results = self._operations()
        return graph
