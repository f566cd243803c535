"""The cells of a run with disturbances: which tasks, policies and experts meet which of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from envs.perturb.catalogue import AXES, AxisEntry
from envs.perturb.world import lack_of
from envs.registry import make_task
from fmbench.evaluation.cells import EXPERT, RANDOM, Cell


def axis_of(text: str) -> AxisEntry:
    """Return the axis of a disturbance, e.g. of "mass=2"."""
    return AXES[text.partition("=")[0]]


def possible_disturbances(task: str, settings: Sequence[str]) -> tuple[str, ...]:
    """Return the disturbances that a task can have, in their order."""
    return tuple(text for text in settings if not lack_of(make_task(task), text))


def disturbed_cells(cell: Cell, settings: Sequence[str]) -> list[Cell]:
    """Return a cell with each disturbance that it can have.

    The expert, which reads the state, meets none of observations; random actions meet none.

    Args:
        cell: The headline of a policy, or the expert, without disturbance.
        settings: The disturbances of a run, e.g. "mass=2".
    """
    if cell.policy == RANDOM:
        return []
    return [
        dataclasses.replace(cell, perturb=text)
        for text in possible_disturbances(cell.task, settings)
        if not (cell.policy == EXPERT and axis_of(text).sees)
    ]
