"""Time the tables of runs of about 200,000 episodes: reading and checking rows, and the tables.

Of the second run, nine tenths of the episodes are delayed.

Run it with `python -m tests.benchmarks.rows [--write]`.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import fmbench
from fmbench.report.across_tasks.table import across_tasks_of_run
from fmbench.report.behaviour.draw import draw_behaviour
from fmbench.report.delay.rows import delay_rows
from fmbench.report.results import read_results
from fmbench.report.tables import write_tables
from fmbench.storage.finished import read_finished_rows
from fmbench.storage.run_facts import read_run_facts
from tests.benchmarks.interleaved import in_turn, spread, timed
from tests.benchmarks.large_run import TASKS, Way, write_large_run
from tests.benchmarks.report import Row, describe_machine, run_alone

ROUNDS, LIMIT_S = 5, 5.0
PACKAGES = ("numpy", "scipy", "pandas")
WHOLE = "the whole in a process of its own, imports included"
WAYS = (
    *((delay, "hold") for delay in (2, 4, 8)),
    *((delay, "ensemble") for delay in (0, 2, 4, 8)),
    *((delay, "bid") for delay in (0, 4)),
)
FEW_TASKS = 2
TABLES = """\
import sys
from pathlib import Path
from fmbench.report.across_tasks.table import across_tasks_of_run
from fmbench.report.behaviour.draw import draw_behaviour
from fmbench.report.delay.rows import delay_rows
from fmbench.report.tables import write_tables
from fmbench.report.results import read_results

run = Path(sys.argv[1])
results = read_results(run)
write_tables(results, across_tasks_of_run(results), run, delay_rows(results))
draw_behaviour(results, run)
"""


def measure() -> Iterator[Row]:
    """Yield the times of the steps in this process, and that of a whole process."""
    yield from _measure("rows", TASKS, ())
    yield from _measure("rows, mostly delayed", TASKS[:FEW_TASKS], WAYS)


def _measure(kind: str, tasks: tuple[str, ...], ways: tuple[Way, ...]) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        count = write_large_run(run, tasks, ways=ways)
        results = read_results(run)

        def write() -> None:
            write_tables(results, across_tasks_of_run(results), run, delay_rows(results))
            draw_behaviour(results, run)

        alternatives = {
            "reading and checking": timed(lambda: read_finished_rows(run, read_run_facts(run))),
            "reading, checking, summarising and comparing": timed(lambda: read_results(run)),
            "tables": timed(write),
            WHOLE: timed(lambda: _python("-c", TABLES, str(run))),
        }
        times = in_turn(alternatives, ROUNDS)
    for name, found in times.items():
        is_whole = name == WHOLE
        yield Row(
            f"{count:,} {kind}: {name}",
            spread(found.wall),
            unit="s",
            cpu=None if is_whole else spread(found.cpu),
            limit=LIMIT_S if is_whole else None,
        )


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def _machine(load: float) -> str:
    return f"{describe_machine(load, PACKAGES, busy=1)} fmbench {fmbench.__version__}."


def main() -> int:
    """Print the measurements; the exit code is 1 if a limit is not met."""
    return run_alone("rows", "Tables of a large run", measure, _machine)


if __name__ == "__main__":
    raise SystemExit(main())
