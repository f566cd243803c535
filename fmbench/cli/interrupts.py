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

from fmbench.cli import early
from fmbench.storage.critical import Interrupted, interrupt


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
            for number in early.stop_signals():
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
    """A context in which every signal raises `Interrupted`.

    During an import it ends the process: an exception there can be lost, changed, or leave a
    library half initialised.

    Set `is_over` where the outcome is decided: later signals change nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_over = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_over:
            return
        self.requested = True
        if early.is_command() and _is_importing(frame):
            early.end(number, frame)
        interrupt()


class Interrupts(Signals):
    """A context in which the first signal sets `requested`, and a further Ctrl-C stops.

    Further signals of the other kinds change nothing: a closing terminal or `timeout` sends two.
    """

    def stop_here(self) -> None:
        """Raise `Interrupted` if a stop was requested; call it where no work is lost."""
        if self.requested:
            raise Interrupted

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self.requested and number == signal.SIGINT:
            interrupt()
        self.requested = True


def _is_importing(frame: FrameType | None) -> bool:
    """Return whether a frame, or one that called it, imports a module."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False
