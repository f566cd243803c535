"""Cases of the Adroit tasks; limits and initial states are as published, except for `Wide`."""

from typing import Any

import numpy as np

from envs.task import FloatArray, View
from envs.world import World
from tests.envs.cases.case import Limit, Pose, Range, TaskCase, box, set_qpos
from tests.envs.cases.parts import of_memory

REST = Range("joints", 0.0, 0.0, lambda task, view: view.qpos)


# AdroitRelocate


def ball_off(axis: int) -> Pose:
    def pose(world: World, miss: float) -> None:
        world.memory["ball"][0] = world.memory["goal"][0] + miss * np.eye(3)[axis]

    return pose


RELOCATE = TaskCase(
    solve=lambda world: ball_off(0)(world, 0.0),
    limits=tuple(
        Limit(f"way to the goal along {axis}", 0.1, ball_off(k), is_goal=True)
        for k, axis in enumerate("xyz")
    ),
    starts=(
        *box("ball", of_memory("ball_start"), (-0.15, 0.15), (-0.15, 0.3), (0.035, 0.035)),
        *box("goal", of_memory("goal"), (-0.2, 0.2), (-0.2, 0.2), (0.15, 0.35)),
        REST,
    ),
    hold_steps=1,
)


# AdroitDoor


def door_at(world: World, angle: float) -> None:
    task: Any = world.task
    set_qpos(world, [task.hinge_qpos, task.latch_qpos], [angle, 1.3])


DOOR = TaskCase(
    solve=lambda world: door_at(world, 1.4),
    limits=(Limit("door", 1.35, door_at, side="above"),),
    hard_seeds=(100445, 100856, 102662, 102910, 103720),
    starts=(
        *box("frame", of_memory("frame"), (-0.3, -0.2), (0.25, 0.35), (0.252, 0.35)),
        REST,
    ),
    hold_steps=1,
)


# AdroitHammer and AdroitHammerWide


def nail_out(world: World, miss: float) -> None:
    world.memory["nail"][0] = world.memory["goal"][0] - [miss, 0.0, 0.0]


def board_beside_the_fingers(task: Any, view: View) -> FloatArray:
    """Read y of the boards at heights where the nail would intersect the fingers for y below 0."""
    board = view.memory("board")
    beside: FloatArray = board[(board[:, 2] > 0.12) & (board[:, 2] < 0.25), 1]
    return beside


NAIL = (Limit("nail's way to its goal", 0.01, nail_out),)
HAMMER = TaskCase(
    solve=lambda world: nail_out(world, 0.0),
    limits=NAIL,
    deepest_m=0.005,  # the hammer on the nail
    starts=(*box("board", of_memory("board"), (0.05, 0.05), (0.0, 0.0), (0.1, 0.25)), REST),
    hold_steps=1,
)
HAMMER_WIDE = TaskCase(
    solve=lambda world: nail_out(world, 0.0),
    limits=NAIL,
    hard_seeds=(78, 163, 258, 312, 393),
    deepest_m=0.005,
    starts=(
        *box("board", of_memory("board"), (0.02, 0.08), (-0.02, 0.014), (0.065, 0.31)),
        Range("board beside the fingers", 0.0, 0.014, board_beside_the_fingers),
        Range("hammer", -0.036, 0.036, lambda task, view: view.qpos[:, task.slide_qpos]),
        Range(
            "other joints", 0.0, 0.0, lambda task, view: np.delete(view.qpos, task.slide_qpos, 1)
        ),
    ),
    hold_steps=1,
)


# AdroitPen

PEN_PLACE_M = np.array([0.0, -0.2, 0.25])


def pen_at(world: World, offset: float, cosine: float) -> None:
    """Set the pen in memory to an offset from its place [m] and a cosine to its goal."""
    goal = world.memory["goal_axis"][0]
    side = np.cross(goal, [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    world.memory["pen"][0] = PEN_PLACE_M + offset * np.array([0.0, 0.6, 0.8])
    world.memory["pen_axis"][0] = cosine * goal + np.sqrt(1.0 - cosine**2) * side


def goal_angles(task: Any, view: View) -> FloatArray:
    """Read the turns of goals about x and about y, (n, 2) [rad]."""
    quaternion = view.memory("goal_wxyz")
    return np.asarray(2.0 * np.arctan2(quaternion[:, 1:3], quaternion[:, :1]))


PEN = TaskCase(
    solve=lambda world: pen_at(world, 0.0, 1.0),
    limits=(
        Limit("way to its place", 0.075, lambda world, off: pen_at(world, off, 0.99), is_goal=True),
        Limit(
            "cosine of the angle to the goal",
            0.95,
            lambda world, cosine: pen_at(world, 0.03, cosine),
            side="above",
            is_goal=True,
        ),
    ),
    starts=(Range("goal's turn", -1.0, 1.0, goal_angles), REST),
    hold_steps=1,
)

CASES = {
    "AdroitRelocate": RELOCATE,
    "AdroitDoor": DOOR,
    "AdroitHammer": HAMMER,
    "AdroitHammerWide": HAMMER_WIDE,
    "AdroitPen": PEN,
}
