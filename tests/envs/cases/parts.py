"""Poses and readings shared by the table-top tasks: free bodies, cubes, the palm above them."""

from typing import Any

import numpy as np

from envs.rotations import yaw_of
from envs.task import FloatArray, View
from envs.world import World
from tests.envs.cases.case import (
    Pose,
    Range,
    Read,
    column,
    move,
    palm,
    put,
    remembered,
    set_qpos,
)

BOTH_WAYS = {(-1.0,), (1.0,)}
OBLIQUE = np.array([0.48, -0.64, 0.6])
SIDEWAYS = np.array([0.6, 0.8, 0.0])
UP = np.array([0.0, 0.0, 1.0])
EDGE_M = 0.05  # of a cube
PALM = palm(-0.03, 0.0, 0.16, 0.02)
CLEAR_M, FLAT_M, STILL_M_S = 0.01, 0.003, 0.03


def off(name: str, direction: FloatArray) -> Pose:
    """Move the free body whose address is called `name` along a unit vector."""
    return lambda world, miss: move(world, getattr(world.task, name), miss * direction)


def to_goal(name: str) -> Any:
    """Return a function that puts that body at the goal."""
    return lambda world: put(world, getattr(world.task, name), world.memory["goal"][0])


def free_place(name: str) -> Any:
    return lambda axis: column(name, axis)


def of_memory(name: str) -> Any:
    return lambda axis: remembered(name, axis)


def yaw(name: str, limit: float) -> Range:
    """Return the yaw [rad] of the free body whose joint's address is called `name`."""

    def read(task: Any, view: View) -> FloatArray:
        address = getattr(task, name)
        return yaw_of(view.qpos[:, address + 3 : address + 7])

    return Range(f"yaw at {name}", -limit, limit, read)


def bring_finger(world: World, centre: FloatArray, gap: float) -> None:
    """Bring the tip of the longest finger in front of a cube's face, at a gap [m]."""
    task = world.task
    tip = world.view(world.all_rows).site_position(task.hand.tips)[0, 2]
    radius = 0.009  # used for every fingertip
    target = centre - np.array([EDGE_M / 2 + radius + gap, 0.0, 0.0])
    slides = task.hand.qpos[:3]
    set_qpos(world, slides, world.batch.bind("qpos")[0, slides] + target - tip)


def above_table(name: str, height: float) -> Range:
    """Return the constant height [m] of a free body's centre over the table."""
    return Range(f"height at {name}", height, height, column(name, 2))


def of_cube(which: int, offset: int) -> Read:
    return lambda task, view: view.qpos[:, task.cube_qpos[which] + offset]


def yaw_of_cube(which: int, limit: float) -> Range:
    def read(task: Any, view: View) -> FloatArray:
        address = task.cube_qpos[which]
        return yaw_of(view.qpos[:, address + 3 : address + 7])

    return Range(f"yaw of cube {which}", -limit, limit, read)


def sign_of(read: Read) -> Read:
    return lambda task, view: np.sign(read(task, view))


def size_of(read: Read) -> Read:
    return lambda task, view: np.abs(read(task, view))
