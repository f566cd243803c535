"""The tasks of the hand on its wrist, and of two hands."""

from typing import Any

import numpy as np

from envs.rotations import yaw_of, yaw_quaternion
from envs.task import FloatArray, View
from envs.tasks import open_door, turn_valve
from envs.world import World
from tests.envs.cases.case import (
    Choice,
    Limit,
    Pose,
    Range,
    Read,
    TaskCase,
    box,
    column,
    jittered,
    move,
    palm,
    place_of,
    put,
    remembered,
    set_qpos,
    set_qvel,
)

OBLIQUE = np.array([0.48, -0.64, 0.6])
SIDEWAYS = np.array([0.6, 0.8, 0.0])
UP = np.array([0.0, 0.0, 1.0])
EDGE_M = 0.05  # of a cube
PALM = palm(-0.03, 0.0, 0.16, 0.02)
CLEAR_M, FLAT_M, STILL_M_S = 0.01, 0.003, 0.03


def off(name: str, direction: FloatArray) -> Pose:
    """Move the free body whose address is called `name` along a direction of length 1."""
    return lambda world, miss: move(world, getattr(world.task, name), miss * direction)


def to_goal(name: str) -> Any:
    """Return what puts that body at the goal."""
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
    """Point the longest finger from outside at the front face of a cube, up to a gap [m]."""
    task = world.task
    tip = world.view(world.all_rows).site_position(task.hand.tips)[0, 2]
    radius = 0.009  # that is taken for every fingertip's
    wanted = centre - np.array([EDGE_M / 2 + radius + gap, 0.0, 0.0])
    slides = task.hand.qpos[:3]
    set_qpos(world, slides, world.batch.bind("qpos")[0, slides] + wanted - tip)


def above_table(name: str, height: float) -> Range:
    """Return the height [m] of a free body's centre over the table, which never varies."""
    return Range(f"height at {name}", height, height, column(name, 2))


# LiftCube, RelocateBall and AvoidPost: an object is held at a goal in the air.


def held_at_goal(name: str) -> Limit:
    return Limit("way to the goal", 0.03, off(name, OBLIQUE), is_goal=True)


LIFT_CUBE = TaskCase(
    solve=to_goal("cube_qpos"),
    limits=(held_at_goal("cube_qpos"),),
    starts=(
        *box("cube", free_place("cube_qpos"), (-0.05, 0.09), (-0.08, 0.08)),
        *box("goal", of_memory("goal"), (-0.06, 0.12), (-0.1, 0.1), (0.1, 0.22)),
        above_table("cube_qpos", 0.025),
        yaw("cube_qpos", 0.7),
        PALM,
    ),
)
RELOCATE_BALL = TaskCase(
    solve=to_goal("ball_qpos"),
    limits=(held_at_goal("ball_qpos"),),
    starts=(
        Range("radius", 0.02, 0.04, remembered("radius")),
        *box("ball", free_place("ball_qpos"), (-0.06, 0.1), (-0.11, 0.11)),
        *box("goal", of_memory("goal"), (-0.08, 0.14), (-0.14, 0.14), (0.1, 0.25)),
        Range(
            "height less the radius",
            0.0,
            0.0,
            lambda task, view: view.qpos[:, task.ball_qpos + 2] - view.memory("radius")[:, 0],
        ),
        PALM,
    ),
)
AVOID_POST = TaskCase(
    solve=to_goal("cube_qpos"),
    limits=(held_at_goal("cube_qpos"),),
    starts=(  # the post stands at x = 0.06
        *box("cube", free_place("cube_qpos"), (-0.19, -0.15), (-0.05, 0.05)),
        *box("goal", of_memory("goal"), (0.25, 0.26), (-0.005, 0.005), (0.14, 0.16)),
        above_table("cube_qpos", 0.025),
        yaw("cube_qpos", 0.6),
        palm(-0.19, 0.0, 0.16, 0.02),
    ),
)


# PickEither


def lift_either(which: int) -> Pose:
    def pose(world: World, height: float) -> None:
        address = world.task.cube_qpos[which]
        put(world, address, [*place_of(world, address)[:2], 0.025 + height])

    return pose


def only_left_lifted(which: int) -> Pose:
    """Lift cube `which` alone: the left one goes back to the table first."""

    def pose(world: World, height: float) -> None:
        lift_either(0)(world, 0.0)
        lift_either(which)(world, height)

    return pose


def of_cube(which: int, offset: int) -> Read:
    return lambda task, view: view.qpos[:, task.cube_qpos[which] + offset]


def yaw_of_cube(which: int, limit: float) -> Range:
    def read(task: Any, view: View) -> FloatArray:
        address = task.cube_qpos[which]
        return yaw_of(view.qpos[:, address + 3 : address + 7])

    return Range(f"yaw of cube {which}", -limit, limit, read)


PICK_EITHER = TaskCase(
    solve=lambda world: lift_either(0)(world, 0.12),
    limits=tuple(
        Limit(f"{cube} cube's height", 0.08, only_left_lifted(k), side="above")
        for k, cube in enumerate(("left", "right"))
    ),
    starts=(
        *box("left", lambda axis: of_cube(0, axis), (0.0, 0.06), (0.06, 0.09), (0.025, 0.025)),
        *box("right", lambda axis: of_cube(1, axis), (0.0, 0.06), (-0.09, -0.06), (0.025, 0.025)),
        *(yaw_of_cube(which, 0.5) for which in (0, 1)),
        PALM,
    ),
)


# PlaceCube and StackCubes: an object is put down, and let go of.


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


# OpenDoor and TurnValve: something fixed is turned.


def valve_short(world: World, remaining: float) -> None:
    set_qpos(world, world.task.valve_qpos, world.memory["goal"][0, 0] - remaining)


def valve_turn(task: Any, view: View) -> FloatArray:
    return view.memory("goal")[:, 0] - view.qpos[:, task.valve_qpos]


def open_by(world: World, angle: float) -> None:
    set_qpos(world, world.task.door_qpos, angle)


OPEN_DOOR = TaskCase(
    solve=lambda world: open_by(world, 1.3),
    limits=(Limit("door", 1.2, open_by, side="above"),),
    hard_seeds=(400138, 410531, 411731),
    starts=(
        *box("hinge", of_memory("frame"), (0.1, 0.25), (-0.08, 0.12), (0.135, 0.295)),
        Range("door's yaw", -0.2, 0.9, lambda task, view: yaw_of(view.memory("frame")[:, 3:])),
        Range("door", 0.0, 0.0, column("door_qpos")),
        Range("lever", 0.0, 0.0, column("lever_qpos")),
        palm(-0.17, 0.0, 0.2, 0.07),
        jittered("wrist and fingers", np.append(np.zeros(3), open_door.START_RAD), 0.3, first=3),
    ),
)
TURN_VALVE = TaskCase(
    solve=lambda world: valve_short(world, 0.0),
    limits=(Limit("remaining turn", 0.15, valve_short, signs=(-1, 1), is_goal=True),),
    starts=(
        *box("valve", of_memory("valve"), (-0.03, 0.03), (-0.03, 0.03)),
        Range("angle", -np.pi, np.pi, column("valve_qpos")),
        Range(
            "turn asked for",
            np.pi / 2,
            3 * np.pi / 2,
            lambda task, view: np.abs(valve_turn(task, view)),
        ),
        Choice("its way", {(-1.0,), (1.0,)}, lambda task, view: np.sign(valve_turn(task, view))),
        palm(-0.06, -0.015, 0.14, 0.02),
        Range("yaw", -0.3, 0.3, column("yaw_qpos")),
        jittered("fingers", turn_valve.START_RAD, 0.1, first=6),
    ),
)


# InsertPeg


def tip_at(world: World, aside: tuple[float, float], depth: float) -> None:
    """Put the peg's lower end beside the hole's axis and below its rim by so much [m]."""
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
    """Point an end of the stick at a hand's longest finger, and make that its goal."""

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
    "LiftCube": LIFT_CUBE,
    "PickEither": PICK_EITHER,
    "PlaceCube": PLACE_CUBE,
    "RelocateBall": RELOCATE_BALL,
    "AvoidPost": AVOID_POST,
    "OpenDoor": OPEN_DOOR,
    "InsertPeg": INSERT_PEG,
    "StackCubes": STACK_CUBES,
    "TurnValve": TURN_VALVE,
    "HandOver": HAND_OVER,
}
