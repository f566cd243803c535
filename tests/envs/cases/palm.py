"""Cases of the tasks with the hand on a fixed palm, except those with keys."""

from typing import Any

import numpy as np

from envs.hand.hand import FINGERS
from envs.hand.kinematics import coupled_qpos
from envs.task import FloatArray, View
from envs.tasks import dial_parts, rotate_cube
from envs.world import World
from tests.envs.cases.case import (
    Choice,
    Limit,
    Pose,
    Range,
    TaskCase,
    column,
    jittered,
    put,
    refresh,
    set_qpos,
)
from tests.envs.cases.parts import BOTH_WAYS, sign_of, size_of

# ReachPose


def reach_pose(world: World) -> None:
    task = world.task
    qpos = task.model.qpos0.copy()
    qpos[task.hand.qpos] = world.memory["goal_posture"][0]
    set_qpos(world, slice(None), coupled_qpos(task.model, qpos))
    world.memory["goal"][0] = world.view(world.all_rows).site_position(task.hand.tips)[0].ravel()


def miss_of_finger(finger: int) -> Pose:
    def pose(world: World, miss: float) -> None:
        world.memory["goal"][0, 3 * finger : 3 * finger + 3] += miss * np.array([0.6, 0.0, 0.8])

    return pose


def part_of_range(joints: FloatArray, task: Any) -> FloatArray:
    low, high = task.hand.low, task.hand.high
    return np.asarray((joints - low) / (high - low))


REACH_POSE = TaskCase(
    solve=reach_pose,
    limits=tuple(
        Limit(f"{finger} to its goal", 0.01, miss_of_finger(k), is_goal=True)
        for k, finger in enumerate(FINGERS)
    ),
    starts=(
        Range(
            "posture, part of each joint's range",
            0.2,
            0.8,
            lambda task, view: part_of_range(view.qpos[:, task.hand.qpos], task),
            margin=0.3,  # postures with contact between links are rejected
        ),
        Range(
            "goal's posture, part of each joint's range",
            0.2,
            0.8,
            lambda task, view: part_of_range(view.memory("goal_posture"), task),
            margin=0.3,
        ),
        Range(
            "farthest tip's way",
            0.02,
            np.inf,
            lambda task, view: np.linalg.norm(
                view.site_position(task.hand.tips) - view.memory("goal").reshape(-1, 5, 3), axis=2
            ).max(axis=1),
            margin=0.002,
        ),
        Range(
            "goal's thumb: share of the IP joint's range minus that of the MCP joint",
            0.0,
            0.0,
            lambda task, view: np.diff(part_of_range(view.memory("goal_posture"), task)[:, 2:4])[
                :, 0
            ],
        ),
    ),
)


# TurnDial and TurnEither


def turn_dial_short(world: World, remaining: float) -> None:
    set_qpos(world, world.task.dial_qpos, world.memory["goal"][0, 0] - remaining)


def turn_either_by(way: int) -> Pose:
    def pose(world: World, miss: float) -> None:
        angle = world.memory["start"][0, 0] + way * np.pi + miss
        set_qpos(world, world.task.dial_qpos, angle)

    return pose


def dial_turn(task: Any, view: View) -> FloatArray:
    return view.memory("goal")[:, 0] - view.qpos[:, task.dial_qpos]


DIAL_STARTS = (
    Range("dial", -np.pi, np.pi, column("dial_qpos")),
    jittered("hand", dial_parts.START_RAD, 0.2, margin=0.07),  # postures with contact are rejected
)
TURN_DIAL = TaskCase(
    solve=lambda world: turn_dial_short(world, 0.0),
    limits=(Limit("remaining turn", 0.1, turn_dial_short, signs=(-1, 1), is_goal=True),),
    starts=(
        *DIAL_STARTS,
        Range("turn asked for", 0.4, 1.5, size_of(dial_turn)),
        Choice("its way", BOTH_WAYS, sign_of(dial_turn)),
    ),
)
TURN_EITHER = TaskCase(
    solve=lambda world: turn_either_by(-1)(world, 0.0),
    limits=tuple(
        Limit(f"remaining turn {name}", 0.1, turn_either_by(way), signs=(-1, 1), is_goal=True)
        for name, way in (("clockwise", -1), ("counterclockwise", 1))
    ),
    starts=(
        *DIAL_STARTS,
        Range(
            "dial minus its initial angle in memory",
            0.0,
            0.0,
            lambda task, view: view.qpos[:, task.dial_qpos] - view.memory("start")[:, 0],
        ),
    ),
)


# RotateCube


def rotate_cube_short(world: World, remaining: float, lean: float = 0.0) -> None:
    """Place the cube `remaining` [rad] short of its goal, tilted about x by `lean` [rad]."""
    task: Any = world.task
    w, x, y, z = task.cube_quaternion(world.memory["goal"][0, 0] - remaining)
    c, s = np.cos(lean / 2), np.sin(lean / 2)
    quaternion = [w * c - x * s, w * s + x * c, y * c + z * s, z * c - y * s]
    set_qpos(world, slice(task.cube_qpos + 3, task.cube_qpos + 7), quaternion)
    put(world, task.cube_qpos, task.hand_origin + task.hand_axes @ np.array([0.014, 0.0, 0.028]))
    refresh(world)


def cube_turn(task: Any, view: View) -> FloatArray:
    return view.memory("goal")[:, 0] - task.cube_yaw(view)


ROTATE_CUBE = TaskCase(
    solve=lambda world: rotate_cube_short(world, 0.0),
    limits=(
        Limit("remaining turn", 0.25, rotate_cube_short, signs=(-1, 1), is_goal=True),
        Limit("lean", 0.4, lambda world, lean: rotate_cube_short(world, 0.0, lean)),
    ),
    starts=(
        Range("yaw", -0.1, 0.1, lambda task, view: task.cube_yaw(view)),
        Range("turn asked for", 1.5, 1.64, size_of(cube_turn)),
        Choice("its way", BOTH_WAYS, sign_of(cube_turn)),
        Range("place along the fingers", 0.012, 0.016, lambda t, view: t.cube_position(view)[:, 0]),
        Range("place across them", -0.002, 0.002, lambda t, view: t.cube_position(view)[:, 1]),
        jittered("hand", rotate_cube.START_RAD, 0.05),
    ),
)

CASES = {
    "ReachPose": REACH_POSE,
    "TurnDial": TURN_DIAL,
    "TurnEither": TURN_EITHER,
    "RotateCube": ROTATE_CUBE,
}
