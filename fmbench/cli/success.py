"""The success rates that a run has reached so far, for its display."""

from __future__ import annotations

from typing import NamedTuple


class Score(NamedTuple):
    """The success of one policy on one task.

    Attributes:
        task: Name of the task.
        name: Name of the policy, with how it acts.
        successes: Episodes that it solved.
        episodes: All of them.
    """

    task: str
    name: str
    successes: int
    episodes: int

    @property
    def rate(self) -> float:
        """Success rate, in [0, 1]."""
        return self.successes / self.episodes

    def __str__(self) -> str:
        """Return it as shown."""
        return f"{self.rate:.2f} {self.name}"


class SuccessSoFar:
    """The last score, and the best one of its task; of equal ones the first is the best."""

    def __init__(self) -> None:
        self._last: Score | None = None
        self._best: dict[str, Score] = {}

    def add(self, score: Score) -> None:
        """Add a score."""
        best = self._best.get(score.task)
        if best is None or score.rate > best.rate:
            self._best[score.task] = score
        self._last = score

    def __str__(self) -> str:
        """Return both as shown; empty if there is none."""
        if self._last is None:
            return ""
        return f"last {self._last}, best {self._best[self._last.task]}"
