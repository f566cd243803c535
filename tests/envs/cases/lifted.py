"""Cases of the tasks in which the wrist-mounted hand holds an object in the air."""

from envs.world import World
from tests.envs.cases.case import (
    Limit,
    Pose,
    Range,
    TaskCase,
    box,
    palm,
    place_of,
    put,
    remembered,
)
from tests.envs.cases.parts import (
    OBLIQUE,
    PALM,
    above_table,
    free_place,
    of_cube,
    of_memory,
    off,
    to_goal,
    yaw,
    yaw_of_cube,
)

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
            "height minus the radius",
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
    starts=(  # the post is at x = 0.06
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
    """Lift only cube `which`, after putting the left cube on the table."""

    def pose(world: World, height: float) -> None:
        lift_either(0)(world, 0.0)
        lift_either(which)(world, height)

    return pose


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

CASES = {
    "LiftCube": LIFT_CUBE,
    "RelocateBall": RELOCATE_BALL,
    "AvoidPost": AVOID_POST,
    "PickEither": PICK_EITHER,
}
