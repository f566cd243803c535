"""Ctrl-C handling: the first one requests a stop at the next safe point, the second one stops.

The second one also waits until a file or folder that is being written is whole.
"""

import signal
import threading
from types import FrameType, TracebackType

from fmbench.storage.critical import interrupt


class Interrupts:
    """A context in which SIGINT and SIGTERM set `requested`.

    Attributes:
        requested: Whether a stop was requested.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous_handlers: dict[int, object] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous_handlers[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def stop_here(self) -> None:
        """Raise `KeyboardInterrupt` if a stop was requested; call it where no work is lost."""
        if self.requested:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.requested:
            interrupt()
        self.requested = True
