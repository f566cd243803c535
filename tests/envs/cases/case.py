"""Test case of a task: its success limits and initial states."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from envs.task import FloatArray, View
from envs.world import STATE_STAGE, World
from tests.contacts import DEEPEST_M

Pose = Callable[[World, float], None]
"""Gives a quantity a value in a world's only row, which is solved."""
Read = Callable[[Any, View], FloatArray]
"""Reads a quantity, (n,), or k similar ones, (n, k), of n initial states from a task and a view."""


@dataclass(frozen=True)
class Limit:
    """One condition of success.

    Attributes:
        name: The limited quantity.
        value: The limit, in the data sheet's unit.
        pose: Gives the quantity a value, with all other conditions satisfied.
        side: The side of the limit on which the task is solved.
        signs: The signs of the quantity to test; a distance has one sign.
        is_goal: Whether `reaches` of a goal-conditioned task must use the limit as well.
    """

    name: str
    value: float
    pose: Pose
    side: Literal["below", "above"] = "below"
    signs: tuple[int, ...] = (1,)
    is_goal: bool = False


@dataclass(frozen=True)
class Range:
    """Range of a quantity in the initial state.

    Attributes:
        name: The quantity.
        low: The smallest value; equal to `high` for a quantity that never varies.
        high: The largest value, infinite where the data sheet states none.
        read: Reads the quantity.
        margin: Largest share of the range that 300 initial states may leave uncovered at either
            end; without a largest value, the largest distance to the smallest one.
    """

    name: str
    low: float
    high: float
    read: Read
    margin: float = 0.04


@dataclass(frozen=True)
class Choice:
    """The complete set of values of a quantity in the initial state."""

    name: str
    values: set[tuple[float, ...]]
    read: Read


@dataclass(frozen=True)
class TaskCase:
    """The expected properties of a task in the registry-wide tests.

    Attributes:
        solve: Puts a world's only row, after a reset, well inside the success condition.
        limits: The conditions of success.
        starts: The quantities of the initial state.
        hold_steps: Control steps for which the success condition must hold.
        hard_seeds: Episodes in which an earlier expert failed or pressed deepest.
        deepest_m: Largest penetration of any contact, without self-contacts of the hand.
    """

    solve: Callable[[World], None]
    limits: tuple[Limit, ...]
    starts: tuple[Range | Choice, ...]
    hold_steps: int = 10
    hard_seeds: tuple[int, ...] = ()
    deepest_m: float = DEEPEST_M


def refresh(world: World) -> None:
    """Update the quantities derived from joints and goals."""
    world.batch.forward(ids=world.all_rows, stage=STATE_STAGE)


def set_qpos(world: World, where: Any, values: Any) -> None:
    """Write generalised positions of the only row."""
    world.batch.bind("qpos")[0, where] = values
    refresh(world)


def set_qvel(world: World, where: Any, values: Any) -> None:
    """Write generalised velocities of the only row."""
    world.batch.bind("qvel")[0, where] = values
    refresh(world)


def put(world: World, address: int, position: Any) -> None:
    """Move the free body whose joint is at `address` to `position`, (3,) [m]."""
    set_qpos(world, slice(address, address + 3), position)


def place_of(world: World, address: int) -> FloatArray:
    """Return the position of the free body, (3,) [m]."""
    place: FloatArray = world.batch.bind("qpos")[0, address : address + 3].copy()
    return place


def move(world: World, address: int, offset: Any) -> None:
    """Move the free body by `offset`, (3,) [m]."""
    put(world, address, place_of(world, address) + np.asarray(offset))


def columns(name: str, start: int, stop: int) -> Read:
    """Read generalised positions `start` to `stop` after the task's address called `name`."""
    return lambda task, view: view.qpos[:, getattr(task, name) + start : getattr(task, name) + stop]


def column(name: str, offset: int = 0) -> Read:
    """Read the generalised position `offset` after the task's address called `name`."""
    return lambda task, view: view.qpos[:, getattr(task, name) + offset]


def remembered(name: str, column: int = 0) -> Read:
    """Read a value of the episode's memory."""
    return lambda task, view: view.memory(name)[:, column]


def box(name: str, read: Callable[[int], Read], *bounds: tuple[float, float]) -> tuple[Range, ...]:
    """Return a range for each axis of a position, with bounds [m]."""
    return tuple(
        Range(f"{name} {axis}", low, high, read(k))
        for k, (axis, (low, high)) in enumerate(zip("xyz", bounds, strict=False))
    )


def jittered(
    name: str, posture: FloatArray, jitter: Any, first: int = 0, margin: float = 0.04
) -> Range:
    """Return a range for initial joints within `jitter` of a posture, from joint `first` on.

    Values are normalised to [-1, 1] between the bounds, which joint limits may clip.
    """

    def read(task: Any, view: View) -> FloatArray:
        n = len(posture)
        joints = view.qpos[:, task.hand.qpos[first : first + n]]
        limits = [bound[first : first + n] for bound in (task.hand.low, task.hand.high)]
        low, high = (np.clip(posture + side * np.asarray(jitter), *limits) for side in (-1, 1))
        return np.asarray(2.0 * (joints - low) / (high - low) - 1.0)

    return Range(f"{name}, over its jitter", -1.0, 1.0, read, margin)


def palm(x: float, y: float, z: float, jitter: float) -> Range:
    """Return the range of a wrist's three initial slides [m]."""
    return jittered("palm", np.array([x, y, z]), jitter)
