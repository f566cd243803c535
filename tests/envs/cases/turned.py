"""Cases of the tasks in which the wrist-mounted hand turns a fixed object."""

from typing import Any

import numpy as np

from envs.rotations import yaw_of
from envs.task import FloatArray, View
from envs.tasks import open_door, turn_valve
from envs.world import World
from tests.envs.cases.case import (
    Choice,
    Limit,
    Range,
    TaskCase,
    box,
    column,
    jittered,
    palm,
    set_qpos,
)
from tests.envs.cases.parts import (
    of_memory,
)


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

CASES = {
    "OpenDoor": OPEN_DOOR,
    "TurnValve": TURN_VALVE,
}
