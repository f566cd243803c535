"""Run a command: turn what it raises into one line on stderr and an exit code.

Exit codes: 0 done, 1 the run failed, 2 bad input, 130 interrupted, 141 the reader of stdout left.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable

from fmbench.errors import FmbenchError


def run_command_line(main: Callable[[], int], debug: bool = False) -> int:
    """Run `main` and turn what it raises into one line on stderr and an exit code.

    `FmbenchError` carries its own exit code; `ValueError` and `OSError` are bad input. Anything
    else is a bug of fmbench and keeps its traceback.

    Args:
        main: The command; returns its exit code.
        debug: Also print the traceback of an error that would fit on one line.

    Returns:
        The exit code for `sys.exit`.
    """
    _encode_anything()
    try:
        code = main()
        sys.stdout.flush()  # a closed pipe shows here, not in the interpreter's own last flush
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _discard_stdout()
        return 141
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # what rich makes of it
            return 141
        raise
    except FmbenchError as error:
        return _report(error, str(error), error.exit_code, debug)
    except (ValueError, OSError) as error:
        hint = "" if debug else " (--debug shows the traceback)"
        return _report(error, _message(error) + hint, FmbenchError.exit_code, debug)


def _message(error: ValueError | OSError) -> str:
    """Say what an error of the standard library says, without its errno."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _report(error: Exception, message: str, exit_code: int, debug: bool) -> int:
    """Print `message` as one line, after the traceback if `debug`."""
    if debug:
        traceback.print_exception(error)
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return exit_code


def _encode_anything() -> None:
    """Let stdout and stderr escape what their encoding lacks, instead of failing at it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_stdout() -> None:
    """Point stdout to nowhere, so that the interpreter's last flush stays silent."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
