"""Say of a task when it is solved, by how little it is missed, and where its episodes begin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from envs.task import FloatArray, View
from envs.world import STATE_STAGE, World
from tests.contacts import DEEPEST_M

Pose = Callable[[World, float], None]
"""Changes a world's only row, which is solved, so that a quantity has a value."""
Read = Callable[[Any, View], FloatArray]
"""Reads of n starts a quantity, (n,), or k alike ones, (n, k): given the task and a view."""


@dataclass(frozen=True)
class Limit:
    """One condition of success.

    Attributes:
        name: What is limited.
        value: The limit, in the data sheet's unit.
        pose: How to bring the quantity to a value, all other conditions met.
        side: On which side of the limit the task is solved.
        signs: With which signs the quantity counts; a distance has one sign.
        is_goal: Whether a goal-conditioned task must judge reached goals by it, too.
    """

    name: str
    value: float
    pose: Pose
    side: Literal["below", "above"] = "below"
    signs: tuple[int, ...] = (1,)
    is_goal: bool = False


@dataclass(frozen=True)
class Range:
    """Where a quantity lies at the start.

    Attributes:
        name: What is drawn.
        low: The least value; equal to `high` for what never varies.
        high: The largest value, infinite where the data sheet states none.
        read: How to read it.
        margin: Share of the range that 300 starts may leave out at either end; where there is no
            largest value, how near to the least one they must come.
    """

    name: str
    low: float
    high: float
    read: Read
    margin: float = 0.04


@dataclass(frozen=True)
class Choice:
    """The values that a quantity takes at the start, all of them: numbers, or tuples of them."""

    name: str
    values: set[tuple[float, ...]]
    read: Read


@dataclass(frozen=True)
class TaskCase:
    """All that the registry-wide tests must be told of a task.

    Attributes:
        solve: Brings a world's only row, which has begun, into the middle of success.
        limits: The conditions of success.
        starts: What is drawn for a start.
        hold_steps: Control steps for which success must hold.
        hard_seeds: Episodes in which an earlier expert failed or pressed deepest.
        deepest_m: How deep anything may press into anything, the hand with itself left out.
    """

    solve: Callable[[World], None]
    limits: tuple[Limit, ...]
    starts: tuple[Range | Choice, ...]
    hold_steps: int = 10
    hard_seeds: tuple[int, ...] = ()
    deepest_m: float = DEEPEST_M


def refresh(world: World) -> None:
    """Bring what follows from joints and goals up to date."""
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
    """Put the free body whose joint starts at `address` at `position`, (3,) [m]."""
    set_qpos(world, slice(address, address + 3), position)


def place_of(world: World, address: int) -> FloatArray:
    """Return where the free body is, (3,) [m]."""
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
    """Read a number of the episode's memory."""
    return lambda task, view: view.memory(name)[:, column]


def box(name: str, read: Callable[[int], Read], *bounds: tuple[float, float]) -> tuple[Range, ...]:
    """Return a range for each axis of a place, with bounds [m]."""
    return tuple(
        Range(f"{name} {axis}", low, high, read(k))
        for k, (axis, (low, high)) in enumerate(zip("xyz", bounds, strict=False))
    )


def jittered(
    name: str, posture: FloatArray, jitter: Any, first: int = 0, margin: float = 0.04
) -> Range:
    """Return a range for joints that begin within `jitter` of a posture, from joint `first` on.

    Where a joint's limit cuts the jitter off, the values between the cuts are stretched over it.
    """

    def read(task: Any, view: View) -> FloatArray:
        n = len(posture)
        joints = view.qpos[:, task.hand.qpos[first : first + n]]
        limits = [each[first : first + n] for each in (task.hand.low, task.hand.high)]
        low, high = (np.clip(posture + side * np.asarray(jitter), *limits) for side in (-1, 1))
        return np.asarray(2.0 * (joints - low) / (high - low) - 1.0)

    return Range(f"{name}, over its jitter", -1.0, 1.0, read, margin)


def palm(x: float, y: float, z: float, jitter: float) -> Range:
    """Return where a wrist's three slides begin [m]."""
    return jittered("palm", np.array([x, y, z]), jitter)
