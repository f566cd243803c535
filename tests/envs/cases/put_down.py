"""Cases of the tasks in which an object is put on a pad, on a cube or into a hole, or passed."""

from typing import Any

import numpy as np

from envs.rotations import yaw_quaternion
from envs.task import FloatArray
from envs.world import World
from tests.envs.cases.case import (
    Limit,
    Pose,
    Range,
    Read,
    TaskCase,
    box,
    column,
    jittered,
    move,
    place_of,
    put,
    remembered,
    set_qpos,
    set_qvel,
)
from tests.envs.cases.parts import (
    CLEAR_M,
    EDGE_M,
    FLAT_M,
    PALM,
    SIDEWAYS,
    STILL_M_S,
    UP,
    above_table,
    bring_finger,
    free_place,
    of_cube,
    of_memory,
    off,
    to_goal,
    yaw,
    yaw_of_cube,
)

# PlaceCube and StackCubes: an object is put down and released.


def speed_of(name: str, which: int | None = None) -> Pose:
    def pose(world: World, speed: float) -> None:
        dof = getattr(world.task, name)
        set_qvel(world, dof if which is None else dof[which], speed)

    return pose


def way_apart(a: Read, b: Read, a_y: Read, b_y: Read, least: float) -> Range:
    return Range(
        "way apart",
        least,
        np.inf,
        lambda task, view: np.hypot(
            a(task, view) - b(task, view), a_y(task, view) - b_y(task, view)
        ),
        margin=0.001,
    )


PLACE_AREA_M = ((-0.08, 0.12), (-0.12, 0.12))


def finger_at_cube(world: World, gap: float) -> None:
    cube = world.task.cube_qpos
    set_qpos(world, slice(cube + 3, cube + 7), (1.0, 0.0, 0.0, 0.0))
    bring_finger(world, place_of(world, cube), gap)


PLACE_CUBE = TaskCase(
    solve=to_goal("cube_qpos"),
    limits=(
        Limit("way to the pad", 0.02, off("cube_qpos", SIDEWAYS), is_goal=True),
        Limit("height", FLAT_M, off("cube_qpos", UP), signs=(-1, 1)),
        Limit("speed", STILL_M_S, speed_of("cube_dof"), signs=(-1, 1)),
        Limit("gap to the fingers", CLEAR_M, finger_at_cube, side="above"),
    ),
    starts=(
        *box("cube", free_place("cube_qpos"), *PLACE_AREA_M, (0.025, 0.025)),
        *box("pad", of_memory("goal"), *PLACE_AREA_M, (0.025, 0.025)),
        yaw("cube_qpos", 0.7),
        way_apart(
            column("cube_qpos"),
            remembered("goal"),
            column("cube_qpos", 1),
            remembered("goal", 1),
            0.1,
        ),
        PALM,
    ),
)


def stack(world: World) -> None:
    upper, base = world.task.cube_qpos
    put(world, upper, place_of(world, base) + EDGE_M * UP)


def off_cube(which: int, direction: FloatArray) -> Pose:
    return lambda world, miss: move(world, world.task.cube_qpos[which], miss * direction)


def finger_at(which: int) -> Pose:
    def pose(world: World, gap: float) -> None:
        for address in world.task.cube_qpos:
            set_qpos(world, slice(address + 3, address + 7), (1.0, 0.0, 0.0, 0.0))
        bring_finger(world, place_of(world, world.task.cube_qpos[which]), gap)

    return pose


STACK_CUBES = TaskCase(
    solve=stack,
    limits=(
        Limit("way from above the base", 0.02, off_cube(0, SIDEWAYS)),
        *(
            limit
            for k, cube in enumerate(("cube", "base"))
            for limit in (
                Limit(f"{cube}'s height", FLAT_M, off_cube(k, UP), signs=(-1, 1)),
                Limit(f"{cube}'s speed", STILL_M_S, speed_of("cube_dof", k), signs=(-1, 1)),
                Limit(f"fingers' gap to the {cube}", CLEAR_M, finger_at(k), side="above"),
            )
        ),
    ),
    starts=(
        *box("cube", lambda axis: of_cube(0, axis), *PLACE_AREA_M, (0.025, 0.025)),
        *box("base", lambda axis: of_cube(1, axis), *PLACE_AREA_M, (0.025, 0.025)),
        *(yaw_of_cube(which, 0.7) for which in (0, 1)),
        way_apart(of_cube(0, 0), of_cube(1, 0), of_cube(0, 1), of_cube(1, 1), 0.11),
        PALM,
    ),
)


# InsertPeg


def tip_at(world: World, aside: tuple[float, float], depth: float) -> None:
    """Put the peg's lower end at an offset from the hole's axis and a depth below its rim [m]."""
    peg = world.task.peg_qpos
    rim, below_handle = 0.048, 0.072
    set_qpos(world, slice(peg + 3, peg + 7), yaw_quaternion(0.0))
    put(world, peg, [*(world.memory["hole"][0] + aside), rim - depth + below_handle])


INSERT_PEG = TaskCase(
    solve=lambda world: tip_at(world, (0.0, 0.0), 0.035),
    limits=(
        Limit(
            "depth",
            0.025,
            lambda world, depth: tip_at(world, (0.0, 0.0), depth),
            side="above",
            is_goal=True,
        ),
        Limit(
            "way aside along x",
            0.004,
            lambda world, miss: tip_at(world, (miss, 0.0), 0.035),
            signs=(-1, 1),
            is_goal=True,
        ),
        Limit(
            "way aside along y",
            0.004,
            lambda world, miss: tip_at(world, (0.0, miss), 0.035),
            signs=(-1, 1),
            is_goal=True,
        ),
    ),
    starts=(
        *box("rack", of_memory("rack"), (-0.03, 0.06), (0.055, 0.095)),
        *box("hole", of_memory("hole"), (-0.03, 0.08), (-0.105, -0.045)),
        *box(
            "peg in the rack",
            lambda axis: (
                lambda task, view: view.qpos[:, task.peg_qpos + axis] - view.memory("rack")[:, axis]
            ),
            (-0.012, 0.012),
            (-0.002, 0.002),
        ),
        above_table("peg_qpos", 0.082),
        yaw("peg_qpos", 0.5),
        PALM,
    ),
)


# HandOver


def stick_speed(first: int) -> Pose:
    return lambda world, speed: set_qvel(world, world.task.stick_dof + first + 1, speed)


def stick_at_finger(side: int) -> Pose:
    """Put an end of the stick at a gap from a hand's longest finger, and make that its goal."""

    def pose(world: World, gap: float) -> None:
        task: Any = world.task
        tip = world.view(world.all_rows).site_position(task.hand.sides[side].tips)[0, 2]
        half_length, radius = 0.09, 0.009
        place = tip + np.array([half_length + radius + gap, 0.0, 0.0])
        stick = task.stick_qpos
        set_qpos(world, slice(stick + 3, stick + 7), yaw_quaternion(np.pi / 2))
        put(world, stick, place)
        world.memory["goal"][0] = place

    return pose


HAND_OVER = TaskCase(
    solve=to_goal("stick_qpos"),
    limits=(
        *(
            Limit(
                f"way to the goal along {axis}", 0.04, off("stick_qpos", np.eye(3)[k]), is_goal=True
            )
            for k, axis in enumerate("xyz")
        ),
        Limit("speed", 0.02, stick_speed(0), signs=(-1, 1)),
        Limit("spin", 0.2, stick_speed(3), signs=(-1, 1)),
        *(
            Limit(f"{hand} fingers' gap", CLEAR_M, stick_at_finger(side), side="above")
            for side, hand in enumerate(("right", "left"))
        ),
    ),
    starts=(
        *box("stick", free_place("stick_qpos"), (0.0, 0.08), (-0.37, -0.29), (0.015, 0.015)),
        *box("goal", of_memory("goal"), (0.0, 0.08), (0.29, 0.37), (0.015, 0.015)),
        yaw("stick_qpos", 0.3),
        PALM,
        jittered("left palm", np.array([-0.03, 0.0, 0.16]), 0.02, first=20),
    ),
)

CASES = {
    "PlaceCube": PLACE_CUBE,
    "StackCubes": STACK_CUBES,
    "InsertPeg": INSERT_PEG,
    "HandOver": HAND_OVER,
}
