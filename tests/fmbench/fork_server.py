"""A process that has imported what commands import, and forks one for each of them.

It reads one request a line from its standard input and answers each with the exit code. Commands
find few ambiguous starts, like other runs of tests, and else do what they do for a user.
"""

import gc
import importlib
import json
import os
import runpy
import sys

import pytest

from tests.fmbench.runs.small_experiment import at_few_starts, figures_as_text

IMPORTED = (
    "fmbench.runs.experiment",
    "fmbench.runs.scored_again",
    "fmbench.report.matrix.draw",
    "fmbench.report.observation.figure",
    "fmbench.report.draw",
    "matplotlib.backends.backend_agg",
    "scipy.stats",
)


def main() -> None:
    """Answer requests until there are no more; in a fork, be the command."""
    for name in IMPORTED:
        importlib.import_module(name)
    at_few_starts(pytest.MonkeyPatch())
    gc.freeze()  # no command searches for garbage in what is imported
    for line in sys.stdin:
        request = json.loads(line)
        if (child := os.fork()) == 0:
            return become(**request)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)


def become(words: list[str], cwd: str, files: list[str], environment: dict[str, str]) -> None:
    """Run `python WORDS` in a folder, with stdout and stderr in files."""
    os.chdir(cwd)
    os.environ.update(environment)
    if environment.get("FIGURES") == "text":
        figures_as_text(pytest.MonkeyPatch())
    sys.stdin = open(os.devnull)  # noqa: SIM115
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    is_module = words[0] == "-m"
    sys.argv = words[is_module:]
    if is_module:
        sys.path[0] = cwd
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(words[0]))
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    main()
