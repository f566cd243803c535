"""The time that a training still takes: its steps, and updates that begin later than steps do."""

from __future__ import annotations

from dataclasses import dataclass, field

UPDATE_S = 0.02
"""One update of `sac_her` on one core, until some have been measured [s]."""
ENOUGH_UPDATES = 50
"""Updates after which only what was measured counts."""


@dataclass
class TimeLeft:
    """Tells the time left by how fast steps with and without updates were in this process.

    An agent that learns from a replay buffer first fills it: steps with updates then take many
    times as long, so that the average of all steps so far would promise far too little.

    Attributes:
        total: Environment steps of the whole training.
        silent: Environment steps before the first update; 0 if every step has its share of them.
        updates_per_step: Updates of the networks for one environment step; 0 if `silent` is.
    """

    total: int
    silent: int = 0
    updates_per_step: float = 0.0
    _begun: dict[bool, tuple[int, float]] = field(default_factory=dict)
    _pace: dict[bool, float] = field(default_factory=dict)

    def at(self, steps: int, now: float) -> float | None:
        """Return the time left [s]; None while nothing has been measured.

        Args:
            steps: Environment steps that are done; more than at the last call.
            now: A monotonic time [s].
        """
        learns = not self.silent or steps > self.silent
        first, start = self._begun.setdefault(learns, (steps, now))
        if steps > first:
            self._pace[learns] = (now - start) / (steps - first)
        if not self._pace:
            return None
        quiet = self._pace.get(False, 0.0)
        waiting = max(0, self.silent - steps)
        expected = quiet + UPDATE_S * self.updates_per_step
        measured = self._pace.get(True, expected)
        share = min(1.0, (steps - first) * self.updates_per_step / ENOUGH_UPDATES) if learns else 0
        learning = measured if not self.silent else share * measured + (1 - share) * expected
        return waiting * quiet + (self.total - max(steps, self.silent)) * learning
