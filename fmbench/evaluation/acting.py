"""Ways in which trained policies act besides the plain one: delays and executions."""

import dataclasses
from typing import NamedTuple

from fmbench.config import RunConfig
from fmbench.evaluation.cells import Cell
from policies.catalogue import HOLD, MEASURED, cannot_execute


class Acting(NamedTuple):
    """One way in which a policy acts.

    Attributes:
        delay: Control steps from an observation to the first action decided from it; None is the
            delay that follows from the latency.
        execution: A key of `policies.catalogue.EXECUTIONS`.
    """

    delay: int | None
    execution: str

    @property
    def is_plain(self) -> bool:
        """Whether it is that of every run: no delay, chunks as they are."""
        return self == (0, HOLD)

    def of(self, cell: Cell, delay: int) -> Cell:
        """Return the cell of a policy that acts so, given the cell in which it acts plainly."""
        return dataclasses.replace(cell, headline=False, delay=delay, execution=self.execution)


def plan_acting(config: RunConfig) -> tuple[dict[str, tuple[Acting, ...]], tuple[str, ...]]:
    """Return the ways in which each policy acts besides the plain one, and what is left out.

    Args:
        config: The run.

    Returns:
        Policy to its ways, by execution and delay as the run states them; and a line for every
        execution that a policy cannot do.
    """
    delays = [None if text == MEASURED else int(text) for text in config.delay]
    ways = [Acting(delay, execution) for execution in config.execution for delay in delays]
    planned: dict[str, tuple[Acting, ...]] = {}
    skipped: list[str] = []
    for policy in config.policy:
        reasons = {name: cannot_execute(name, policy) for name in config.execution}
        planned[policy] = tuple(w for w in ways if not (w.is_plain or reasons[w.execution]))
        skipped += [f"--execution {n}: {policy}, {why}" for n, why in reasons.items() if why]
    return planned, tuple(skipped)
