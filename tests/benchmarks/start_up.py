"""Time `python -m fmbench.run --help`, which must not load torch."""

import subprocess
import sys

from tests.benchmarks.interleaved import in_turn, spread, timed
from tests.benchmarks.report import Row

ROUNDS, LIMIT_S = 9, 0.5


def measure() -> list[Row]:
    """Return the wall-clock times of the help text and of Python itself."""

    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)

    alternatives = {
        "help": timed(lambda: run("-m", "fmbench.run", "--help")),
        "python": timed(lambda: run("-c", "pass")),
    }
    times = in_turn(alternatives, ROUNDS)
    return [
        Row("python -m fmbench.run --help", spread(times["help"].wall), 2, "s", limit=LIMIT_S),
        Row('python -c "pass"', spread(times["python"].wall), 2, "s"),
    ]
