"""Standard output and standard error of a command that may be closed, full or gone.

Standard error holds progress and messages: what cannot be written is dropped, and the work goes on.
Standard output holds results: its first error is kept and reported when the work is done.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Descriptor(io.FileIO):
    """A file descriptor that raises no errors; it keeps the first one.

    Args:
        number: The descriptor; it is not closed.
        lasting: Whether nothing is written after an error, so that the text has no hole.
    """

    def __init__(self, number: int, lasting: bool) -> None:
        super().__init__(number, "w", closefd=False)
        self._lasting = lasting
        self.error: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """Write, or drop what cannot be written."""
        if not (self._lasting and self.error):
            try:
                return super().write(data)
            except OSError as error:
                self.error = self.error or error
        return memoryview(data).nbytes


class Output:
    """The standard output of a command.

    Args:
        descriptor: Where it is written, with its error; None if the stream is somebody else's.
    """

    def __init__(self, descriptor: _Descriptor | None) -> None:
        self._descriptor = descriptor

    def error(self) -> OSError | None:
        """Write what is still to be written, and return the first error there was."""
        try:
            sys.stdout.flush()
        except OSError as error:
            return error
        return self._descriptor.error if self._descriptor else None


@contextmanager
def standard_streams() -> Iterator[Output]:
    """Replace the process's own standard streams; let all escape what their encoding lacks.

    Streams that were replaced before, e.g. by a notebook, stay.
    """
    streams = sys.stdout, sys.stderr
    output = _replaced(sys.stdout, sys.__stdout__, os.O_RDONLY, lasting=True)
    messages = _replaced(sys.stderr, sys.__stderr__, os.O_WRONLY, lasting=False)
    sys.stdout, sys.stderr = output or sys.stdout, messages or sys.stderr
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        raw = output.buffer.raw if output else None  # type: ignore[attr-defined]
        yield Output(raw)
    finally:
        for new in filter(None, (output, messages)):
            new.flush()
        sys.stdout, sys.stderr = streams


def _replaced(
    stream: TextIO | None, own: TextIO | None, mode: int, lasting: bool
) -> io.TextIOWrapper | None:
    """Return what replaces a standard stream; None if it is not the process's own.

    A closed one is replaced by the null device; opened with `mode` for reading, that is an error.
    """
    if stream is not own:
        return None
    if stream is None:
        number, encoding, at_once = os.open(os.devnull, mode), "utf-8", False
    elif isinstance(stream, io.TextIOWrapper):
        stream.flush()
        number, encoding = stream.fileno(), stream.encoding
        at_once = stream.line_buffering or stream.write_through
    else:
        return None
    buffer = io.BufferedWriter(_Descriptor(number, lasting))
    return io.TextIOWrapper(buffer, encoding, line_buffering=at_once)
