"""How much of the work of a grid's jobs is done, and how long the rest takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fmbench.runs.grid.estimate import JobRow, duration, speed

CERTAIN = 0.8
"""Share of a running job up to which its estimate is believed."""


class JobsProgress:
    """The progress of jobs that are done side by side.

    Args:
        works: Name of each job to its work [s].
        processes: How many jobs run at a time.
        rows: Jobs that were done here, which say how fast this machine is; they become more.
        later: Duration of what follows these jobs, at the speed at which work is measured [s].
    """

    def __init__(
        self,
        works: Mapping[str, float],
        processes: int,
        rows: Sequence[JobRow],
        later: float = 0.0,
    ) -> None:
        self._works, self._processes, self._rows, self._later = works, processes, rows, later
        self._ended: set[str] = set()
        self._running: Mapping[str, float] = {}
        self.total = max(1, round(sum(works.values())))
        """All of the work, in whole seconds."""

    def end(self, name: str) -> None:
        """Note that a job is done."""
        self._ended.add(name)

    def run(self, running: Mapping[str, float]) -> None:
        """Note the jobs that run, and for how long they have [s]."""
        self._running = running

    def done(self) -> int:
        """Return the work that is done [s]; all of it only when every job has ended."""
        if len(self._ended) == len(self._works):
            return self.total
        parts = (self._works[name] * self._share(name) for name in self._works)
        return min(int(sum(parts)), self.total - 1)

    def left(self) -> float:
        """Return the time that the jobs that have not ended, and what follows them, take [s]."""
        factor = self._factor()
        rests = [
            max(self._works[name], self._running.get(name, 0.0) / factor)
            * (1.0 - self._share(name))
            for name in self._works
            if name not in self._ended
        ]
        return duration(rests, self._processes, factor) + self._later * factor

    def _share(self, name: str) -> float:
        """Return the share of a job that is done; below 1 before it has ended."""
        if name in self._ended:
            return 1.0
        expected = self._works[name] * self._factor()
        return running_share(self._running.get(name, 0.0), expected)

    def _factor(self) -> float:
        return speed(self._rows, self._processes) or 1.0


def running_share(seconds: float, expected: float) -> float:
    """Return the share of a running job that is done.

    Near its expected end it grows ever more slowly: a job that takes longer is not done.

    Args:
        seconds: For how long it has run [s].
        expected: How long it is expected to take [s], above 0.
    """
    share = seconds / expected
    if share <= CERTAIN:
        return share
    rest = 1.0 - CERTAIN
    return 1.0 - rest / (1.0 + (share - CERTAIN) / rest)
