"""Interleaved timing, so that other load on the machine affects all alternatives equally."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

FloatArray = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True)
class Duration:
    """Wall-clock time of one run, and CPU time of all threads of this process [s]."""

    wall: float
    cpu: float

    def __add__(self, other: "Duration") -> "Duration":
        return Duration(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: "Duration") -> "Duration":
        return Duration(self.wall - other.wall, self.cpu - other.cpu)


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest value over rounds."""

    median: float
    low: float
    high: float

    def text(self, digits: int, unit: str = "") -> str:
        """Return "median (low to high) unit"."""
        median, low, high = (f"{v:.{digits}f}" for v in (self.median, self.low, self.high))
        return f"{median} ({low} to {high}) {unit}".rstrip()


@dataclass(frozen=True)
class Times:
    """The times of one alternative, `(rounds,)` each [s]."""

    wall: FloatArray
    cpu: FloatArray


Timed = Callable[[], Duration]


def now() -> Duration:
    """Return both clocks; only their differences are meaningful."""
    return Duration(time.perf_counter(), time.process_time())


class Stopwatch:
    """Times its `with` blocks; `duration` is the sum over all of them."""

    def __init__(self) -> None:
        self.duration = Duration(0.0, 0.0)

    def __enter__(self) -> "Stopwatch":
        self._started = now()
        return self

    def __exit__(self, *_: object) -> None:
        self.duration += now() - self._started


def timed(function: Callable[[], object]) -> Timed:
    """Return a function that runs `function` and returns its duration."""

    def run() -> Duration:
        with Stopwatch() as watch:
            function()
        return watch.duration

    return run


def in_turn(alternatives: Mapping[str, Timed], rounds: int) -> dict[str, Times]:
    """Run every alternative once per round, in an order that is reversed every round.

    A first round is not recorded: it compiles scenes, fills caches and starts threads.
    """
    durations: dict[str, list[Duration]] = {name: [] for name in alternatives}
    for run in alternatives.values():
        run()
    for k in range(rounds):
        for name in list(alternatives)[:: 1 if k % 2 == 0 else -1]:
            durations[name].append(alternatives[name]())
    return {name: as_times(rounds) for name, rounds in durations.items()}


def as_times(durations: Sequence[Duration]) -> Times:
    """Return the times of one alternative."""
    return Times(np.array([d.wall for d in durations]), np.array([d.cpu for d in durations]))


def spread(values: FloatArray) -> Spread:
    """Return median and range of values `(rounds,)`."""
    return Spread(float(np.median(values)), float(values.min()), float(values.max()))


def ratio(numerator: FloatArray, denominator: FloatArray) -> Spread:
    """Return median and range of the ratios within rounds."""
    return spread(numerator / denominator)
