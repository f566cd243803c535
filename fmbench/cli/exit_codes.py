"""Conversion of how a command ends into one line on stderr and an exit code.

The codes are those of `fmbench.exit_code.ExitCode`; docs/running.md has their table.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable

from fmbench.cli import early
from fmbench.cli.interrupts import StopAtOnce
from fmbench.cli.plugin_files import users_files
from fmbench.cli.streams import Output, standard_streams
from fmbench.cli.user_code import failure, passes
from fmbench.errors import FmbenchError
from fmbench.exit_code import ExitCode
from fmbench.storage.memory import lacks_memory

OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE)
"""Errors of valid input on a machine that has too little of something."""


def run_command_line(main: Callable[[], int], debug: bool = False) -> int:
    """Run `main` and convert its exceptions into one line on stderr and an exit code.

    `FmbenchError` has its own exit code. An exception of a user's registered code has exit code 1,
    and so has too little memory or space. Else `ValueError` and `OSError` are bad input, and any
    other exception is a bug of fmbench and keeps its traceback.

    Args:
        main: The command; returns its exit code.
        debug: Whether to print the traceback before the one line.

    Returns:
        The exit code for `sys.exit`.
    """
    with standard_streams() as output, StopAtOnce() as stop:
        try:
            try:
                code = _run(main, debug, stop)
            finally:
                stop.is_over = True
        except KeyboardInterrupt:  # one more, while the first was reported
            code = ExitCode.INTERRUPTED
        code = _deliver(code, output)
        early.decide(code)
        return code


def _run(main: Callable[[], int], debug: bool, stop: StopAtOnce) -> int:
    """Run `main`, and report its exceptions."""
    try:
        return main()
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        return ExitCode.CLOSED_PIPE
    except SystemExit as request:
        if isinstance(request.code, str):
            raise
        return request.code or ExitCode.DONE  # of the parser, which has printed what it has to
    except FmbenchError as error:
        return _report(error, str(error), error.exit_code, debug)
    except Exception as error:
        if stop.requested:  # libraries convert the interrupt of an import into other exceptions
            return _interrupted()
        if files := [file for file in users_files() if passes(error, [file])]:
            failed = failure(error, f"the code of {' and '.join(files)}")
            return _report(error, str(failed), failed.exit_code, debug)
        hint = "" if debug else " (--debug shows the traceback)"
        if lacks_memory(error):
            text = "there is too little memory; close other programs, or give smaller numbers"
            return _report(error, text + hint, ExitCode.FAILED, debug)
        if not isinstance(error, (ValueError, OSError)):
            raise
        of_machine = isinstance(error, OSError) and error.errno in OF_THE_MACHINE
        code = ExitCode.FAILED if of_machine else ExitCode.BAD_INPUT
        return _report(error, _message(error) + hint, code, debug)


def _deliver(code: int, output: Output) -> int:
    """Return the exit code of a command, after all of its output has been written."""
    error = output.error()
    if error is None or code != ExitCode.DONE:
        return code
    if isinstance(error, BrokenPipeError):
        return ExitCode.CLOSED_PIPE
    is_closed = error.errno == errno.EBADF
    text = "is closed" if is_closed else f"cannot be written: {error.strerror}"
    print(f"error: standard output {text}", file=sys.stderr)
    return ExitCode.FAILED


def _interrupted() -> int:
    print("interrupted", file=sys.stderr)
    return ExitCode.INTERRUPTED


def _message(error: ValueError | OSError) -> str:
    """Return the message of an error of the standard library, without its errno."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error) or type(error).__name__


def _report(error: Exception, message: str, exit_code: int, debug: bool) -> int:
    """Print `message` as one line, after the traceback if `debug`."""
    if debug:
        traceback.print_exception(error)
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return exit_code
