"""How long the rest of a command's work takes, learnt from what is done."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LEAST_SHARE = 0.02
"""Share of the work under way from which on its own speed counts."""


@dataclass(frozen=True)
class Piece:
    """A part of the work.

    Attributes:
        name: Its name, of its own.
        kind: What takes as many times longer than expected as it, from the general to the special,
            e.g. `("training", "flow")`.
        seconds: Expected duration [s]; only ratios of pieces matter once one is done.
    """

    name: str
    kind: tuple[str, ...]
    seconds: float


class Outlook:
    """The pieces of the work that are left; without a plan, nothing is known."""

    def __init__(self) -> None:
        self._left: dict[str, Piece] = {}
        self._done: list[Piece] = []
        self._seen: dict[tuple[str, ...], tuple[float, float]] = {}
        """Kind, with those that contain it, to seconds that its pieces took and were expected."""
        self._under_way: list[Piece] = []
        self._since, self._first, self._share = 0.0, 0.0, 0.0

    def plan(self, pieces: Iterable[Piece]) -> None:
        """Add pieces to what is left."""
        for piece in pieces:
            self._left[piece.name] = piece

    def skip(self, *names: str) -> None:
        """Note that pieces need not be done, e.g. because an earlier process has done them."""
        for name in names:
            self._left.pop(name, None)

    @contextmanager
    def during(self, *names: str, share: float = 0.0) -> Iterator[None]:
        """Do pieces, and learn from how long they take.

        Args:
            names: Their names; those that are not planned do not count.
            share: Their share that an earlier process has done, in [0, 1].
        """
        pieces = [self._left[name] for name in dict.fromkeys(names) if name in self._left]
        if not pieces:
            yield
            return
        self._under_way, self._since = pieces, time.monotonic()
        self._first = self._share = share
        try:
            yield
        finally:
            self._under_way = []
        for piece in pieces:
            self._left.pop(piece.name, None)
        self._done += pieces
        self._learn(pieces, time.monotonic() - self._since, 1.0 - share)

    def update(self, share: float) -> None:
        """Note the share of the pieces under way that is done, in [0, 1]."""
        self._share = share

    def left(self) -> float | None:
        """Return the expected duration of what is left [s]; None if nothing is planned or left."""
        if not self._left:
            return None
        names = {piece.name for piece in self._under_way}
        waiting = [piece for name, piece in self._left.items() if name not in names]
        return self._rest() + self._expected(waiting)

    def done(self) -> float:
        """Return the share of the work that is done, in [0, 0.99]; what was skipped is no work."""
        left, done = self.left() or 0.0, self._expected(self._done)
        if self._under_way:
            done += self._rest() * self._share / max(1.0 - self._share, 0.01)
        return min(done / (done + left), 0.99) if done else 0.0

    def _rest(self) -> float:
        """Return the expected duration of what is left of the pieces under way [s].

        The more of them is done, the more their own speed counts.
        """
        by_plan = self._expected(self._under_way) * (1.0 - self._share)
        made = self._share - self._first
        if made <= LEAST_SHARE:
            return by_plan
        by_speed = (time.monotonic() - self._since) / made * (1.0 - self._share)
        weight = math.sqrt(made / (1.0 - self._first))
        return weight * by_speed + (1.0 - weight) * by_plan

    def _learn(self, pieces: list[Piece], seconds: float, share: float) -> None:
        """Learn from pieces of which a share was done in some seconds."""
        expected = sum(piece.seconds for piece in pieces)
        for piece in pieces:
            part = piece.seconds / expected if expected > 0 else 0.0
            for kind in _kinds(piece.kind):
                took, planned = self._seen.get(kind, (0.0, 0.0))
                self._seen[kind] = took + part * seconds, planned + part * expected * share

    def _expected(self, pieces: Iterable[Piece]) -> float:
        """Return the duration of pieces that is expected by now [s]."""
        return sum(piece.seconds * self._factor(piece.kind) for piece in pieces)

    def _factor(self, kind: tuple[str, ...]) -> float:
        """Return how many times longer than expected a kind takes, as far as that is known."""
        for known in _kinds(kind):
            took, planned = self._seen.get(known, (0.0, 0.0))
            if planned > 0:
                return took / planned
        return 1.0


def _kinds(kind: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return a kind and those that contain it, the most special first."""
    return [kind[:length] for length in range(len(kind), -1, -1)]


def in_words(seconds: float) -> str:
    """Return a duration as one reads it: `40 s`, `12 min` or `3.4 h`."""
    if seconds < 120:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds < 120 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
