"""The exit codes of all commands."""

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command tells the program that started it; `MEANINGS` has the text of each."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    INCOMPLETE = 3
    INTERRUPTED = 130
    CLOSED_PIPE = 141


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed: e.g. the loss became NaN, the disk is full, there is too little "
    "memory, or standard output could not be written",
    ExitCode.BAD_INPUT: "bad input: a flag, a file or a folder is not accepted",
    ExitCode.INCOMPLETE: "`run` or `evaluate` is done, but a policy failed in an episode; the rows "
    "are kept. Or jobs of `paper` failed twice, and the others are done",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C, SIGTERM or a closed terminal (SIGHUP); the same "
    "command resumes",
    ExitCode.CLOSED_PIPE: "done, but the program that read standard output ended first, as in "
    "`| head -1`",
}
"""The table of docs/running.md."""
