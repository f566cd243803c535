"""Waiting for a CUDA stream without keeping a core busy."""

from collections import deque

import torch

EVERY = 4
"""Updates between two events of a stream."""
PENDING = 2
"""Events that the device may be behind: `EVERY * PENDING` updates keep it busy meanwhile."""


class Pace:
    """Keeps the host a few updates ahead of a stream, and asleep while it is.

    CUDA waits in a loop where its queue of launches is full, where a stream is synchronised, and
    where a number is read: each of many training processes would keep a core busy that simulations
    need. Only an event made for it lets the thread sleep.

    Args:
        stream: The stream of a CUDA device on which the updates are started.
    """

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self._stream = stream
        self._events: deque[torch.cuda.Event] = deque()
        self._started = 0

    def started(self) -> None:
        """Count one more started update, and wait while the device is too many behind."""
        self._started += 1
        if self._started % EVERY:
            return
        self._events.append(self._record())
        if len(self._events) > PENDING:
            self._events.popleft().synchronize()

    def wait(self) -> None:
        """Wait until all that was started is complete."""
        self._events.clear()
        self._record().synchronize()

    def _record(self) -> torch.cuda.Event:
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(self._stream)
        return event
