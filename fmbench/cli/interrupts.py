"""Turn the first Ctrl-C into a request to stop at the next safe point; the second one is final."""

import signal
import threading
from types import FrameType, TracebackType


class Interrupts:
    """While the context lasts, SIGINT and SIGTERM set `requested`.

    Attributes:
        requested: Whether a stop was asked for.
    """

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def stop_here(self) -> None:
        """Raise `KeyboardInterrupt` if a stop was asked for: nothing is lost at this point."""
        if self.requested:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
