"""The process in which ultralytics works: what it changes, and what a file does, ends with it.

Started by `fmbench.detection.process` as `python -m fmbench.detection.worker WORK FOLDER`. It
answers in lines of JSON. When the process that started it ends, it deletes the folder, and ends.
"""

import importlib
import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from fmbench.errors import FmbenchError
from policies.registry import load, lookup

WORKS = {
    "train": "fmbench.detection.ultralytics_training:train",
    "convert": "fmbench.detection.conversion:convert",
}
READY, DONE, PROGRESS, REFUSED, FAILED = "ready", "done", "progress", "refused", "failed"
"""Keys of answers: it can begin, with the number of CUDA devices; the result; what is done of
`UNITS`; bad input; any other error."""
UNITS = 1000
"""Units of progress of a whole work."""
OVERALL = "all"
"""Name of the row of all tasks together in a result; no task has it."""
MAX_REASON = 300
TRIES = 20
"""How often a folder is deleted that fills again meanwhile."""


def main() -> None:
    """Do the work that is named on the command line, with the values of a line of stdin."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer

    def answer(key: str, value: object) -> None:
        try:
            print(json.dumps({key: value}), file=answers, flush=True)
        except BrokenPipeError:  # before the thread below has seen that the parent ended
            _end()

    try:
        target = lookup("work", sys.argv[1], WORKS)
        work: Callable[[dict[str, Any], Callable[[int], None]], object] = load(target, "yolo")
    except ValueError as error:
        answer(REFUSED, str(error).replace(target, "a detector"))
        return
    answer(READY, importlib.import_module("torch").cuda.device_count())
    line = sys.stdin.readline()
    if not line:
        _end_with_parent()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        answer(DONE, work(json.loads(line), lambda done: answer(PROGRESS, done)))
    except FmbenchError as error:
        answer(REFUSED, str(error))
    except Exception as error:
        traceback.print_exc()
        answer(FAILED, " ".join(f"{type(error).__name__}: {error}".split())[:MAX_REASON])


def _end_with_parent() -> None:
    """Wait until the parent process ends; then end as well."""
    sys.stdin.read()
    _end()


def _end() -> None:
    """Delete the folder, and end all that works here."""
    for _ in range(TRIES):  # the training may still write into it
        shutil.rmtree(sys.argv[2], ignore_errors=True)
        if not os.path.exists(sys.argv[2]):
            break
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    main()
