"""Time alternatives in turn, so that what else runs on the machine meets all of them alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True)
class Duration:
    """How long one run took: wall-clock time, and CPU time of all threads of this process [s]."""

    wall: float
    cpu: float

    def __add__(self, other: "Duration") -> "Duration":
        return Duration(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: "Duration") -> "Duration":
        return Duration(self.wall - other.wall, self.cpu - other.cpu)


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of some rounds."""

    median: float
    low: float
    high: float

    def text(self, digits: int, unit: str = "") -> str:
        """Return "median (low to high) unit"."""
        median, low, high = (f"{v:.{digits}f}" for v in (self.median, self.low, self.high))
        return f"{median} ({low} to {high}) {unit}".rstrip()


@dataclass(frozen=True)
class Times:
    """The rounds of one alternative, each (rounds,) [s]."""

    wall: FloatArray
    cpu: FloatArray


Timed = Callable[[], Duration]


def now() -> Duration:
    """Return both clocks: only differences of them mean something."""
    return Duration(time.perf_counter(), time.process_time())


class Stopwatch:
    """Measures what runs in its `with` block; `duration` is the sum over all blocks."""

    def __init__(self) -> None:
        self.duration = Duration(0.0, 0.0)

    def __enter__(self) -> "Stopwatch":
        self._started = now()
        return self

    def __exit__(self, *_: object) -> None:
        self.duration += now() - self._started


def timed(function: Callable[[], object]) -> Timed:
    """Return a function that runs `function` and says how long it took."""

    def run() -> Duration:
        with Stopwatch() as watch:
            function()
        return watch.duration

    return run


def in_turn(alternatives: Mapping[str, Timed], rounds: int) -> dict[str, Times]:
    """Run every alternative once per round, in an order that turns round every round.

    One unrecorded round goes before: it compiles scenes, fills caches and starts threads.
    """
    found: dict[str, list[Duration]] = {name: [] for name in alternatives}
    for run in alternatives.values():
        run()
    for k in range(rounds):
        for name in list(alternatives)[:: 1 if k % 2 == 0 else -1]:
            found[name].append(alternatives[name]())
    return {name: as_times(durations) for name, durations in found.items()}


def as_times(durations: Sequence[Duration]) -> Times:
    """Return the rounds of one alternative."""
    return Times(np.array([d.wall for d in durations]), np.array([d.cpu for d in durations]))


def spread(values: FloatArray) -> Spread:
    """Return median and range of values (rounds,)."""
    return Spread(float(np.median(values)), float(values.min()), float(values.max()))


def ratio(numerator: FloatArray, denominator: FloatArray) -> Spread:
    """Return median and range of the ratios of the same rounds."""
    return spread(numerator / denominator)
