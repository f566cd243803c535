"""Signals to a command: Ctrl-C (SIGINT), SIGTERM, and SIGHUP when its terminal closes.

Where no work can be lost, they end it (`StopAtOnce`). In a session (`Interrupts`) the first one
requests a stop at the next safe point, and a further Ctrl-C stops. Both wait until a file or folder
that is being written is whole.
"""

import signal
import threading
from abc import ABC, abstractmethod
from types import FrameType, TracebackType
from typing import Self

from fmbench.cli.early import stop_signals
from fmbench.storage.critical import interrupt


class Signals(ABC):
    """A context that handles the signals; afterwards the previous handlers do again.

    Attributes:
        requested: Whether a stop was requested.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous_handlers: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in stop_signals():
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

    @abstractmethod
    def _handle(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""


class StopAtOnce(Signals):
    """A context in which every signal raises `KeyboardInterrupt`.

    Set `is_over` where the outcome is decided: later signals change nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_over = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self.is_over:
            self.requested = True
            interrupt()


class Interrupts(Signals):
    """A context in which the first signal sets `requested`, and a further Ctrl-C stops.

    Further signals of the other kinds change nothing: a closing terminal or `timeout` sends two.
    """

    def stop_here(self) -> None:
        """Raise `KeyboardInterrupt` if a stop was requested; call it where no work is lost."""
        if self.requested:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.requested and number == signal.SIGINT:
            interrupt()
        self.requested = True
