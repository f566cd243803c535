"""Conversion of a command's exceptions into one line on stderr and an exit code.

Exit codes: 0 done, 1 the run failed, 2 bad input, 3 incomplete (episodes ended by errors of the
policy), 130 interrupted, 141 stdout was closed.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable

from fmbench.cli.plugin_files import users_files
from fmbench.cli.user_code import failure, passes
from fmbench.errors import FmbenchError


def run_command_line(main: Callable[[], int], debug: bool = False) -> int:
    """Run `main` and convert its exceptions into one line on stderr and an exit code.

    `FmbenchError` has its own exit code. An exception of a user's registered code has exit code 1.
    Else `ValueError` and `OSError` are bad input, and any other exception is a bug of fmbench and
    keeps its traceback.

    Args:
        main: The command; returns its exit code.
        debug: Whether to print the traceback before the one line.

    Returns:
        The exit code for `sys.exit`.
    """
    _escape_unencodable()
    try:
        code = main()
        sys.stdout.flush()  # a closed pipe raises here, not in the interpreter's last flush
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        _discard_stdout()
        return 141
    except SystemExit as exit_request:
        if isinstance(exit_request.__context__, BrokenPipeError):  # how rich reports it
            return 141
        raise
    except FmbenchError as error:
        return _report(error, str(error), error.exit_code, debug)
    except Exception as error:
        if files := [file for file in users_files() if passes(error, [file])]:
            failed = failure(error, f"the code of {' and '.join(files)}")
            return _report(error, str(failed), failed.exit_code, debug)
        if not isinstance(error, (ValueError, OSError)):
            raise
        hint = "" if debug else " (--debug shows the traceback)"
        return _report(error, _message(error) + hint, FmbenchError.exit_code, debug)


def _message(error: ValueError | OSError) -> str:
    """Return the message of an error of the standard library, without its errno."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _report(error: Exception, message: str, exit_code: int, debug: bool) -> int:
    """Print `message` as one line, after the traceback if `debug`."""
    if debug:
        traceback.print_exception(error)
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return exit_code


def _escape_unencodable() -> None:
    """Let stdout and stderr escape characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_stdout() -> None:
    """Redirect stdout to the null device, so that the interpreter's last flush is silent."""
    with contextlib.suppress(OSError, ValueError):
        null_device = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null_device, sys.stdout.fileno())
        os.close(null_device)
