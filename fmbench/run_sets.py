"""Share what commands need that lay several runs in one table: words, and who may stand in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmbench.command_line import Parser
from fmbench.config import check_out
from fmbench.errors import FmbenchError, run_command_line

if TYPE_CHECKING:
    from fmbench.results import Results


def run_on_runs(
    arguments: Sequence[str] | None,
    program: str,
    description: str,
    draw: Callable[[Sequence[Path], Path], list[Path]],
) -> int:
    """Run a command line `RUN ... --out DIR` and return its exit code.

    Args:
        arguments: The command line, or None for the process's own.
        program: The command's name.
        description: What it draws.
        draw: Writes into a folder what it draws of runs, and returns the paths.
    """
    parser = Parser(program, description)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="folders of runs")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    given = parser.parse_args(arguments)

    def work() -> int:
        check_out(given.out)
        for path in draw(given.runs, given.out):
            print(path)
        return 0

    return run_command_line(work, given.debug)


def check_alike(
    found: dict[Path, Results], may_differ: Sequence[str], value: str, what: str
) -> None:
    """Refuse runs whose rows must not stand in one table.

    Args:
        found: The runs.
        may_differ: Values of a configuration that each may have of its own.
        value: The one that the table is about.
        what: The same in words.

    Raises:
        FmbenchError: A run does not say `value`, or two differ in more than `may_differ`.
    """
    configs: dict[Path, dict[str, Any]] = {}
    for path, results in found.items():
        config = results.run.get("config")
        if not isinstance(config, dict) or value not in config:
            raise FmbenchError(f"{path} does not say its {what}; give the folder of a run")
        configs[path] = config
    first, *others = configs
    for path in others:
        differing = [
            f"{name}: {configs[first].get(name)} in {first}, {configs[path].get(name)} in {path}"
            for name in sorted(set(configs[first]) | set(configs[path]))
            if name not in may_differ and configs[first].get(name) != configs[path].get(name)
        ]
        if differing:
            raise FmbenchError(
                f"these runs differ in more than their {what}: {'; '.join(differing)}"
            )
